/** The specification's paragraphs by number, for the headings of the matrix. */

/** @param text Markdown with numbered headings, such as `### 5.2 HASH` */
export function sectionTitles(text: string, name = "SPEC"): Map<string, string> {
  const headings = text.matchAll(/^#{2,4} (\d+(?:\.\d+)*)\.? +(.+)$/gm);
  return new Map([...headings].map(([, number = "", title = ""]) => [`${name} ${number}`, title.replaceAll("`", "")]));
}
