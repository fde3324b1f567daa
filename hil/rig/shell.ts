/** Words for a line that a person gives a shell. */

const PLAIN = /^[\w@%+=:,./-]+$/;

/** As it is, or in quotes where the shell would see more than one plain word in it. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
