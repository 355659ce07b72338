/** A real browser for pages, driven over its own pipe: no package, and scripts of pages switched off. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'chrome']

/** The first Chromium on PATH; undefined where there is none. */
export function browserOnPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file))
}

interface Box {
  nodeId: number
}

export interface Browser {
  open(url: string): Promise<void>
  /** Presses the middle of what a selector finds, as a hand would. */
  press(selector: string): Promise<void>
  /** The page as it stands, as markup. */
  markup(): Promise<string>
  /** How many elements a selector finds; ':checked' counts boxes as they are now. */
  count(selector: string): Promise<number>
  screenshot(file: string): Promise<void>
  close(): Promise<void>
}

/** Starts a browser whose pages run no script; close it. */
export async function startBrowser(binary: string, { width = 800, height = 900 } = {}): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'perennial-browser-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-pipe']
  const more = [`--user-data-dir=${profile}`, `--window-size=${width},${height}`, '--no-first-run', 'about:blank']
  const child = spawn(binary, [...flags, ...more], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const ask = protocolOf(child)
  const { targetInfos } = (await ask('Target.getTargets')) as { targetInfos: { targetId: string; type: string }[] }
  const targetId = targetInfos.find((one) => one.type === 'page')?.targetId
  const { sessionId } = (await ask('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string }
  const on = (method: string, params: object = {}) => ask(method, params, sessionId)
  await on('Page.enable')
  await on('DOM.enable')
  await on('Emulation.setScriptExecutionDisabled', { value: true })
  const loaded = () => ask.next('Page.loadEventFired')
  const root = async () => ((await on('DOM.getDocument')) as { root: Box }).root.nodeId
  const all = async (selector: string): Promise<number[]> => {
    const found = (await on('DOM.querySelectorAll', { nodeId: await root(), selector })) as { nodeIds: number[] }
    return found.nodeIds
  }
  return {
    async open(url) {
      const done = loaded()
      await on('Page.navigate', { url })
      await done
    },
    async press(selector) {
      const [nodeId] = await all(selector)
      if (nodeId === undefined) throw new Error(`there is no ${selector}`)
      await on('DOM.scrollIntoViewIfNeeded', { nodeId })
      const { quads } = (await on('DOM.getContentQuads', { nodeId })) as { quads: number[][] }
      const [x1 = 0, y1 = 0, , , x3 = 0, y3 = 0] = quads[0] ?? []
      const at = { x: (x1 + x3) / 2, y: (y1 + y3) / 2, button: 'left', clickCount: 1 }
      const isButton = selector.includes('button')
      const done = isButton ? loaded() : undefined
      await on('Input.dispatchMouseEvent', { type: 'mousePressed', ...at })
      await on('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at })
      await done
    },
    async markup() {
      const nodeId = await root()
      return ((await on('DOM.getOuterHTML', { nodeId })) as { outerHTML: string }).outerHTML
    },
    count: async (selector) => (await all(selector)).length,
    async screenshot(file) {
      const { data } = (await on('Page.captureScreenshot')) as { data: string }
      await writeFile(file, Buffer.from(data, 'base64'))
    },
    async close() {
      const ended = new Promise((resolve) => child.once('close', resolve))
      await ask('Browser.close').catch(() => child.kill())
      await ended
      await rm(profile, { recursive: true, force: true })
    },
  }
}

interface Told {
  id?: number
  method?: string
  result?: object
  error?: { message: string }
}

type Ask = ((method: string, params?: object, sessionId?: string) => Promise<object>) & {
  /** Resolves at the next event of a kind. */
  next: (method: string) => Promise<void>
}

/** The protocol of the developer tools over the pipes 3 and 4: JSON, each ended by a NUL. */
function protocolOf(child: ChildProcess): Ask {
  const [, , , input, output] = child.stdio as unknown as [null, null, null, Writable, Readable]
  const asked = new Map<number, { resolve: (result: object) => void; reject: (error: Error) => void }>()
  const awaited: { method: string; resolve: () => void }[] = []
  let rest = ''
  output.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const { id, method, result = {}, error } = JSON.parse(part) as Told
      const waiting = id === undefined ? undefined : asked.get(id)
      if (error) waiting?.reject(new Error(error.message))
      else waiting?.resolve(result)
      for (const one of awaited.filter((other) => other.method === method)) {
        awaited.splice(awaited.indexOf(one), 1)
        one.resolve()
      }
    }
  })
  let last = 0
  const ask = (method: string, params: object = {}, sessionId?: string): Promise<object> =>
    new Promise((resolve, reject) => {
      const id = ++last
      asked.set(id, { resolve, reject })
      input.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`)
    })
  const next = (method: string): Promise<void> => new Promise((resolve) => void awaited.push({ method, resolve }))
  return Object.assign(ask, { next })
}
