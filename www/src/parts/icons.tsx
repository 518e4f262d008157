/** The icons of the page, as one stroke style. They say nothing by themselves: words or labels stand beside them. */

const PATHS = {
  today: "M4 12h3l3 7 4-14 3 7h3",
  history: "M12 7v5l3 2M3.5 9a9 9 0 1 1-.4 4M3 4v5h5",
  library: "M5 4v16M9 4v16M13 5l4 15M13 4h0",
  plan: "M5 5h14v15H5zM5 10h14M9 3v4M15 3v4",
  progress: "M4 19h16M6 15l4-5 3 3 5-7",
  sync: "M20 11a8 8 0 0 0-14-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4l2-2M20 20v-5h-5",
  settings: "M4 8h9M19 8h1M4 16h1M11 16h9M16 5.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5M8 13.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5",
  plus: "M12 5v14M5 12h14",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  delete: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  up: "M12 19V5M6 11l6-6 6 6",
  down: "M12 5v14M6 13l6 6 6-6",
  back: "M19 12H5M11 6l-6 6 6 6",
  phone: "M8 3h8v18H8zM11 18h2",
  laptop: "M6 5h12v10H6zM3 19h18",
  close: "M6 6l12 12M18 6L6 18",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="glyph" viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
