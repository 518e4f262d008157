// Horizontal bars as SVG text, readable on light and dark pages. Knows nothing of what they show.

/** A chart of `bars`, each { label, value, text }; `mark` draws a line at a value. */
export function bars(title, entries, mark) {
  const longest = Math.max(mark ?? 0, ...entries.map(({ value }) => value));
  const width = (value) => Math.max(1, Math.round((BAR_WIDTH * value) / longest));
  const height = TOP + entries.length * STEP + 8;
  const rows = entries.map(({ label, value, text, strong }, at) => {
    const y = TOP + at * STEP;
    return `<text x="${LABEL_WIDTH - 8}" y="${y + 14}" text-anchor="end">${escape(label)}</text>` +
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width(value)}" height="${STEP - 6}" fill="${strong ? "#2f6fde" : "#9aa4b2"}"/>` +
      `<text x="${LABEL_WIDTH + width(value) + 6}" y="${y + 14}">${escape(text)}</text>`;
  });
  const line = mark === undefined ? "" :
    `<line x1="${LABEL_WIDTH + width(mark)}" x2="${LABEL_WIDTH + width(mark)}" y1="${TOP - 4}" y2="${height - 6}" stroke="#d0453e" stroke-dasharray="3 3"/>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">`,
    `<style>text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-weight:600}@media(prefers-color-scheme:dark){text{fill:#c9d1d9}}</style>`,
    `<text class="title" x="8" y="18">${escape(title)}</text>`, ...rows, line, "</svg>", "",
  ].join("\n");
}

function escape(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

const WIDTH = 720;
const LABEL_WIDTH = 170;
const BAR_WIDTH = 430;
const TOP = 34;
const STEP = 24;
