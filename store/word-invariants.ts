/** What must hold of words: the SQL of store/invariants.ts that is about them. */
export const WORD_INVARIANTS: Record<string, string> = {
  'versions of words follow one another': `
    select journey || ' ' || message || ' ' || locale as key, count(*) || ' versions up to ' || max(version) as wrong
    from word_versions group by journey, message, locale having count(*) <> max(version)`,
  'a message names words that were published': `
    select m.key, 'version ' || m.words_version || ' in ' || coalesce(m.locale, 'no language') as wrong from messages m
    where m.words_version is not null and not exists (select 1 from word_versions w
      where w.journey = m.journey and w.message = m.message and w.locale = m.locale and w.version = m.words_version and w.words is not null)`,
}
