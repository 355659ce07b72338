/** The source files as TypeScript reads them: what the rules of the house are checked on. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Made, not written; some of it only while something runs. */
const MADE = /^(node_modules|\.git|dist|bench|\.perennial|\.lesson|\.bundle-.*)$/

export interface Import {
  /** A file of the house as a path from its root, a package by its name, a built-in as 'node:fs/promises'; COMPUTED otherwise. */
  to: string
  /** The module is not loaded for it. */
  typeOnly: boolean
}

export interface Source {
  path: string
  text: string
  tree: ts.SourceFile
  imports: Import[]
}

/** What an `import(…)` names that only running it can tell. */
export const COMPUTED = '(computed)'

/** Names at the top of the repository, without what is made. */
export function topLevel(): string[] {
  return readdirSync(ROOT).filter((name) => !MADE.test(name) && name !== '.env' && !name.endsWith('.log'))
}

export function readSources(): Source[] {
  const found: string[] = []
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (MADE.test(entry.name) && folder === ROOT) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (entry.name.endsWith('.ts')) found.push(relative(ROOT, path).replaceAll('\\', '/'))
    }
  }
  walk(ROOT)
  return found.sort().map((path) => readSource(path, readFileSync(join(ROOT, path), 'utf8')))
}

export function readSource(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  const imports = importsOf(path, tree)
  // TypeScript's own scanner is the witness that the walk below overlooks nothing.
  for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
    const to = nameOf(path, fileName)
    if (!imports.some((one) => one.to === to)) throw new Error(`${path}: the import of ${fileName} was overlooked`)
  }
  return { path, text, tree, imports }
}

/** Every node of a file, the file first. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node
  for (const child of node.getChildren()) yield* nodesOf(child)
}

function importsOf(path: string, tree: ts.SourceFile): Import[] {
  const imports: Import[] = []
  const add = (name: ts.Node | undefined, typeOnly: boolean): void => {
    if (name) imports.push({ to: ts.isStringLiteralLike(name) ? nameOf(path, name.text) : COMPUTED, typeOnly })
  }
  for (const node of nodesOf(tree)) {
    // `import { type A } from` is a value here: under verbatimModuleSyntax the module is loaded all the same.
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node)) add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
  }
  return imports
}

function nameOf(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(path), specifier))
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Each function with the lines it has of its own: lines of functions inside it are theirs. A describe() is a list, no function. */
export function ownLines({ tree, path }: Source): { where: string; lines: number }[] {
  const lineOf = (position: number): number => tree.getLineAndCharacterOfPosition(position).line
  const functions = [...nodesOf(tree)].filter(
    (node): node is ts.FunctionLikeDeclaration => ts.isFunctionLike(node) && 'body' in node && node.body !== undefined,
  )
  const read = functions.filter(
    ({ parent }) => !(ts.isCallExpression(parent) && parent.expression.getText() === 'describe'),
  )
  return read.map((one) => {
    const lines = new Set<number>()
    for (let line = lineOf(one.getStart()); line <= lineOf(one.end); line++) lines.add(line)
    for (const inner of functions) {
      if (inner === one || inner.pos < one.pos || inner.end > one.end) continue
      for (let line = lineOf(inner.getStart()); line <= lineOf(inner.end); line++) lines.delete(line)
    }
    return { where: `${path}:${lineOf(one.getStart()) + 1}`, lines: lines.size }
  })
}
