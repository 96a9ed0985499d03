// Where things lie. No geometry of the venue is known, only its order: sections become blocks that flow
// like words on a page, as wide as makes them biggest. One unit is the distance of two seats.

// A standing area may be one row of thousands; it is folded rather than drawn as a thread.
const ACROSS_MAX = 90;
const SIDE = 1.6;
export const HEAD = 2.6;
const GAP = 1.4;
// A box of four seats has a name, too.
const NAME_LETTER = 0.72;
const NAME_LETTERS_MAX = 16;
const WIDTHS_TRIED = 48;

function layRow(row, y, cells) {
  const aisles = new Set(row.gaps);
  let x = 0;
  let line = 0;
  row.seats.forEach((_, at) => {
    if (aisles.has(at)) x += 1;
    if (x >= ACROSS_MAX) {
      x = 0;
      line += 1;
    }
    cells.push([x, y + line, line]);
    x += 1;
  });
  return line + 1;
}

// Rows of different length are centred, as they are where people sit in rows.
function centre(section, cells, across) {
  for (const row of section.rows) {
    const lengths = new Map();
    for (let at = row.first; at < row.first + row.seats.length; at += 1) {
      lengths.set(cells[at][1], cells[at][0] + 1);
    }
    for (let at = row.first; at < row.first + row.seats.length; at += 1) {
      cells[at][0] += (across - lengths.get(cells[at][1])) >> 1;
    }
  }
}

function planSection(section) {
  const cells = [];
  let deep = 0;
  const names = [];
  for (const row of section.rows) {
    names.push({ row: row.row, y: deep });
    deep += layRow(row, deep, cells);
  }
  const across = cells.reduce((most, [x]) => Math.max(most, x + 1), 1);
  centre(section, cells, across);
  const xs = Uint16Array.from(cells, ([x]) => x);
  const ys = Uint16Array.from(cells, ([, y]) => y);
  const grid = new Int32Array(across * deep).fill(-1);
  xs.forEach((x, place) => (grid[ys[place] * across + x] = place));
  names.forEach((name, at) => (name.x = xs[section.rows[at].first] ?? 0));
  const name = Math.min(section.name.length, NAME_LETTERS_MAX) * NAME_LETTER;
  const wide = Math.max(across + 2 * SIDE, name + SIDE);
  return { section, across, deep, wide, xs, ys, grid, names, x: 0, y: 0 };
}

function flow(blocks, width) {
  const shelves = [];
  let shelf = null;
  for (const block of blocks) {
    if (!shelf || shelf.wide + GAP + block.wide > width) {
      shelf = { wide: -GAP, deep: 0, blocks: [] };
      shelves.push(shelf);
    }
    shelf.wide += GAP + block.wide;
    shelf.deep = Math.max(shelf.deep, block.deep + HEAD);
    shelf.blocks.push(block);
  }
  const across = Math.max(...shelves.map((one) => one.wide));
  const deep = shelves.reduce((total, one) => total + one.deep + GAP, 0);
  return { shelves, across, deep };
}

function settle({ shelves, across, deep }) {
  let y = 0;
  for (const shelf of shelves) {
    let x = (across - shelf.wide) / 2;
    for (const block of shelf.blocks) {
      block.x = x + SIDE;
      block.y = y + HEAD;
      x += block.wide + GAP;
    }
    y += shelf.deep + GAP;
  }
  return { across, deep };
}

export function planVenue(sections, aspect) {
  const blocks = sections.filter((section) => section.size > 0).map(planSection);
  if (blocks.length === 0) return { blocks, across: 1, deep: 1 };
  const narrowest = Math.max(...blocks.map((block) => block.wide));
  const widest = blocks.reduce((total, block) => total + block.wide + GAP, 0);
  let best = null;
  for (let tried = 0; tried <= WIDTHS_TRIED; tried += 1) {
    const width = narrowest * (widest / narrowest) ** (tried / WIDTHS_TRIED);
    const flowed = flow(blocks, width + 0.001);
    const scale = Math.min(aspect / flowed.across, 1 / flowed.deep);
    if (!best || scale > best.scale) best = { scale, flowed };
  }
  return { blocks, ...settle(best.flowed) };
}

export const placeAt = (block, x, y) =>
  x < 0 || y < 0 || x >= block.across || y >= block.deep ? -1 : block.grid[y * block.across + x];

// The seat under a point, if the point is on one.
export function seatAt(plan, x, y) {
  const block = blockAt(plan, x, y);
  if (!block) return null;
  const place = placeAt(block, Math.floor(x - block.x), Math.floor(y - block.y));
  return place < 0 ? null : { block, place };
}

export function blockAt(plan, x, y) {
  return plan.blocks.find(
    (block) =>
      x >= block.x - SIDE && x < block.x + block.across + SIDE && y >= block.y - HEAD && y < block.y + block.deep,
  );
}

// The next seat in a direction: in the section if there is one, else in the nearest section that way.
export function neighbour(plan, { block, place }, dx, dy) {
  let x = block.xs[place] + dx;
  let y = block.ys[place] + dy;
  while (x >= 0 && y >= 0 && x < block.across && y < block.deep) {
    const found = placeAt(block, x, y);
    if (found >= 0) return { block, place: found };
    if (dy !== 0) {
      const beside = nearestInLine(block, x, y);
      if (beside >= 0) return { block, place: beside };
    }
    x += dx;
    y += dy;
  }
  return beyond(plan, block, block.x + block.xs[place], block.y + block.ys[place], dx, dy);
}

// Rows of different length: going up or down from the end of the longer one lands on the shorter one's end.
function nearestInLine(block, x, y) {
  for (let off = 1; off < block.across; off += 1) {
    const left = placeAt(block, x - off, y);
    if (left >= 0) return left;
    const right = placeAt(block, x + off, y);
    if (right >= 0) return right;
  }
  return -1;
}

function beyond(plan, from, x, y, dx, dy) {
  let best = null;
  for (const block of plan.blocks) {
    if (block === from) continue;
    const aside = dx !== 0 ? outside(y, block.y, block.deep) : outside(x, block.x, block.across);
    const ahead = dx > 0 ? block.x - x : dx < 0 ? x - block.x - block.across : dy > 0 ? block.y - y : y - block.y - block.deep;
    const cost = ahead + 3 * aside;
    if (ahead >= 0 && (!best || cost < best.cost)) best = { block, cost };
  }
  return best ? nearest(best.block, x, y) : null;
}

const outside = (at, from, length) => Math.max(0, from - at, at - (from + length - 1));

function nearest(block, x, y) {
  let best = { place: 0, distance: Infinity };
  block.xs.forEach((seatX, place) => {
    const distance = (block.x + seatX - x) ** 2 + (block.y + block.ys[place] - y) ** 2;
    if (distance < best.distance) best = { place, distance };
  });
  return { block, place: best.place };
}
