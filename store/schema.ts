/** The schema as it is, as text: what schema.sql holds, so that a migration is reviewed by its effect. */
import { sql } from 'kysely'
import type { Db } from './db.ts'

interface Row {
  line: string
}

/** One line a column, constraint and index, tables in order of name. Kysely's own two tables are left out. */
export async function describeSchema(db: Db): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'kysely_%' order by relname
  `.execute(db)
  const blocks: string[] = []
  for (const { name } of tables) {
    const { rows: columns } = await sql<Row>`
      select '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || case when a.attidentity <> '' then ' identity' else '' end
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as line
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = ${name}::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
    `.execute(db)
    const { rows: constraints } = await sql<Row>`
      select '  constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
      from pg_constraint where conrelid = ${name}::regclass and contype <> 'n' order by conname
    `.execute(db)
    const { rows: indexes } = await sql<Row>`
      select indexdef || ';' as line from pg_indexes where schemaname = 'public' and tablename = ${name}
        and indexname not in (select conname from pg_constraint where conrelid = ${name}::regclass)
      order by indexname
    `.execute(db)
    const body = [...columns, ...constraints].map((row) => row.line).join(',\n')
    blocks.push([`create table ${name} (\n${body}\n);`, ...indexes.map((row) => row.line)].join('\n'))
  }
  return `-- What the migrations come to. Written by \`npm run schema\`; a test compares it.\n\n${blocks.join('\n\n')}\n`
}
