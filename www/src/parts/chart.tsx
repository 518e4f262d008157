/** A line over time as one SVG, drawn at the width it has. Its label says the same in words. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Empty } from "./empty.js";

interface Point {
  at: number;
  value: number;
}

export function LineChart({ title, unit, points }: { title: string; unit: string; points: Point[] }) {
  const chart = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(WIDTH);
  const ordered = points.toSorted((a, b) => a.at - b.at);
  const [first, last] = [ordered[0], ordered.at(-1)];
  const isLine = ordered.length > 1;
  useLayoutEffect(() => {
    const drawn = chart.current;
    if (!drawn) return;
    const measure = () => setWidth(drawn.clientWidth || WIDTH);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(drawn);
    return () => observer.disconnect();
  }, [isLine]);
  if (!first || !last || !isLine) return <Empty icon="progress">Two entries make a line.</Empty>;
  const values = ordered.map(({ value }) => value);
  const [low, high] = [Math.floor(Math.min(...values) - 1), Math.ceil(Math.max(...values) + 1)];
  const x = (at: number) => LEFT + ((at - first.at) / (last.at - first.at || 1)) * (width - LEFT - RIGHT);
  const y = (value: number) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const line = ordered.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const day = (at: number) => new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
  const words = `${title}: ${first.value} ${unit} on ${day(first.at)}, ${last.value} ${unit} on ${day(last.at)}`;
  return (
    <svg ref={chart} class="chart" viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={words}>
      {[low, (low + high) / 2, high].map((value) => (
        <g key={value}>
          <line class="chart-grid" x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} />
          <text x={LEFT - 8} y={y(value) + 4} text-anchor="end">{value.toLocaleString()}</text>
        </g>
      ))}
      <polygon class="chart-area" points={`${x(first.at)},${HEIGHT - BOTTOM} ${line} ${x(last.at)},${HEIGHT - BOTTOM}`} />
      <polyline class="chart-line" points={line} />
      <circle class="chart-end" cx={x(last.at)} cy={y(last.value)} r="4" />
      <text x={LEFT} y={HEIGHT - 4}>{day(first.at)}</text>
      <text x={width - RIGHT} y={HEIGHT - 4} text-anchor="end">{day(last.at)}</text>
    </svg>
  );
}

/** Pixels; the width is that of the first drawing, before the chart was measured. */
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [320, 200, 40, 6, 12, 24];
