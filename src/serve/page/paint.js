// Draws the map: from afar a bitmap per section with a pixel per seat, near by the seats themselves.
// Only what is in view is drawn.
import { CHOSEN, OWN } from "./venue.js";
import { HEAD } from "./plan.js";
import { LOOKS, pixel, readPalette, Sprites } from "./sprites.js";

// From this many CSS pixels per seat on, seats have shapes, and numbers.
export const SHAPES_FROM = 9;
const NUMBERS_FROM = 21;
const ROW_NAMES_FROM = 11;
const NAME_OVER_BLOCK_FROM = 6;
const FONT = "system-ui, sans-serif";

const looks = [null, "chosen", "own"];

export class Painter {
  constructor(canvas, venue) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.venue = venue;
    this.bitmaps = new Map();
    this.widths = new Map();
    this.recolour();
  }

  recolour() {
    this.palette = readPalette();
    this.sprites = new Sprites(this.palette);
    this.pixels = Object.fromEntries(LOOKS.map((look) => [look, pixel(this.palette[`seat-${look}`])]));
    this.bitmaps.clear();
  }

  look(section, place) {
    return looks[section.marks[place]] ?? section.statuses[place];
  }

  // Called for each changed seat; the pixel is set now, the bitmap is renewed when it is next drawn.
  changed(changes) {
    if (changes === null) {
      this.bitmaps.clear();
      return;
    }
    for (const [index, place] of changes) {
      const bitmap = this.bitmaps.get(index);
      if (!bitmap) continue;
      bitmap.data[bitmap.at(place)] = this.pixels[this.look(this.venue.sections[index], place)];
      bitmap.stale = true;
    }
  }

  bitmap(block) {
    const { section, across, deep, xs, ys } = block;
    let bitmap = this.bitmaps.get(section.index);
    if (!bitmap) {
      const canvas = document.createElement("canvas");
      canvas.width = across;
      canvas.height = deep;
      const image = new ImageData(across, deep);
      const at = (place) => ys[place] * across + xs[place];
      bitmap = { canvas, image, at, data: new Uint32Array(image.data.buffer), stale: true };
      for (let place = 0; place < section.size; place += 1) bitmap.data[at(place)] = this.pixels[this.look(section, place)];
      this.bitmaps.set(section.index, bitmap);
    }
    if (bitmap.stale) {
      bitmap.canvas.getContext("2d").putImageData(bitmap.image, 0, 0);
      bitmap.stale = false;
    }
    return bitmap.canvas;
  }

  paint(camera, plan, { cursor, hover }) {
    const ratio = this.canvas.width / camera.width;
    const context = this.context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.palette["map-ground"];
    context.fillRect(0, 0, camera.width, camera.height);
    const seen = plan.blocks.filter((block) => this.inView(camera, block));
    for (const block of seen) this.paintBlock(camera, block, ratio, hover?.block === block);
    for (const block of seen) this.paintNames(camera, block);
    this.paintPins(camera, seen);
    if (hover?.place >= 0 && camera.scale >= SHAPES_FROM) this.ring(camera, hover, this.palette["map-quiet"], 1.5);
    if (cursor) this.ring(camera, cursor, this.palette["map-cursor"], 3);
  }

  inView(camera, block) {
    const [left, top] = camera.toScreen(block.x - 2, block.y - HEAD);
    const [right, bottom] = camera.toScreen(block.x + block.across + 2, block.y + block.deep + 1);
    return right > 0 && bottom > 0 && left < camera.width && top < camera.height;
  }

  paintBlock(camera, block, ratio, hovered) {
    const { context, palette } = this;
    const [x, y] = camera.toScreen(block.x, block.y);
    const near = camera.scale >= SHAPES_FROM;
    const pad = Math.min(6, camera.scale * 0.5);
    const wide = block.across * camera.scale;
    const deep = block.deep * camera.scale;
    context.fillStyle = palette["map-block"];
    context.beginPath();
    context.roundRect(x - pad, y - pad, wide + 2 * pad, deep + 2 * pad, Math.min(8, 2 + pad));
    context.fill();
    if (hovered && !near) {
      context.strokeStyle = palette["map-ink"];
      context.lineWidth = 1.5;
      context.stroke();
    }
    if (near) {
      this.paintSeats(camera, block, ratio);
      return;
    }
    context.imageSmoothingEnabled = false;
    context.drawImage(this.bitmap(block), x, y, wide, deep);
    context.imageSmoothingEnabled = true;
  }

  // In whole device pixels, without the transform: sharp edges, and no work per seat but one copy.
  paintSeats(camera, block, ratio) {
    const { context } = this;
    const { section, across } = block;
    const pitch = camera.scale * ratio;
    const sheet = this.sprites.atLeast(pitch);
    const [originX, originY] = [(block.x - camera.x) * pitch, (block.y - camera.y) * pitch];
    const range = this.rangeInView(camera, block);
    const side = Math.ceil(pitch);
    context.setTransform(1, 0, 0, 1, 0, 0);
    for (let y = range.top; y < range.bottom; y += 1) {
      const screenY = Math.round(originY + y * pitch);
      for (let x = range.left; x < range.right; x += 1) {
        const place = block.grid[y * across + x];
        if (place < 0) continue;
        context.drawImage(sheet[this.look(section, place)], Math.round(originX + x * pitch), screenY, side, side);
      }
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (camera.scale >= NUMBERS_FROM) this.paintNumbers(camera, block, range);
    if (camera.scale >= ROW_NAMES_FROM) this.paintRowNames(camera, block, range);
  }

  rangeInView(camera, block) {
    const within = (value, most) => Math.min(Math.max(value, 0), most);
    return {
      left: within(Math.floor(camera.x - block.x), block.across),
      right: within(Math.ceil(camera.x + camera.width / camera.scale - block.x), block.across),
      top: within(Math.floor(camera.y - block.y), block.deep),
      bottom: within(Math.ceil(camera.y + camera.height / camera.scale - block.y), block.deep),
    };
  }

  paintNumbers(camera, block, range) {
    const { context, palette } = this;
    const { section, across } = block;
    context.font = `600 ${Math.round(Math.min(15, camera.scale * 0.44))}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = palette["seat-number"];
    for (let y = range.top; y < range.bottom; y += 1) {
      for (let x = range.left; x < range.right; x += 1) {
        const place = block.grid[y * across + x];
        if (place < 0 || this.look(section, place) !== "a") continue;
        const [screenX, screenY] = camera.toScreen(block.x + x + 0.5, block.y + y + 0.52);
        const row = section.rowAt(place);
        context.fillText(row.seats[place - row.first], screenX, screenY, camera.scale * 0.72);
      }
    }
  }

  paintRowNames(camera, block, range) {
    const { context } = this;
    context.font = `${Math.round(Math.min(13, camera.scale * 0.5))}px ${FONT}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = this.palette["map-quiet"];
    for (const { row, x, y } of block.names) {
      if (y < range.top - 1 || y > range.bottom) continue;
      const [screenX, screenY] = camera.toScreen(block.x + x - 0.25, block.y + y + 0.52);
      context.fillText(row, screenX, screenY);
    }
  }

  widthOf(text) {
    const key = `${this.context.font}|${text}`;
    if (!this.widths.has(key)) this.widths.set(key, this.context.measureText(text).width);
    return this.widths.get(key);
  }

  paintNames(camera, block) {
    if (camera.scale >= NAME_OVER_BLOCK_FROM) this.paintNameOver(camera, block);
    else this.paintNameOn(camera, block);
  }

  // The name stays in sight while its section is, however far one has gone into it.
  paintNameOver(camera, block) {
    const { context, palette } = this;
    const size = Math.round(Math.min(16, Math.max(11, camera.scale * 1.1)));
    const [left, top] = camera.toScreen(block.x, block.y);
    const [right, bottom] = camera.toScreen(block.x + block.across, block.y + block.deep);
    const over = top - Math.min(10, 5 + camera.scale * 0.25);
    const y = Math.min(Math.max(over, size + 6), bottom);
    const x = Math.min(Math.max(left, 8), Math.max(left, right - 60));
    context.font = `600 ${size}px ${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    const { name, left: count } = block.section;
    const room = Math.max(right, left + (block.wide - 1) * camera.scale) - x;
    const texts = count === null ? [name] : [`${name}  ·  ${count} left`, `${name} · ${count}`];
    const text = texts.find((one) => this.widthOf(one) <= room) ?? this.cut(name, room);
    if (y > over) this.plate(x - 6, y - size - 3, this.widthOf(text) + 12, size + 10);
    context.fillStyle = palette["map-ink"];
    context.fillText(text, x, y);
  }

  paintNameOn(camera, block) {
    const { context, palette } = this;
    const [x, y] = camera.toScreen(block.x + block.across / 2, block.y + block.deep / 2);
    const wide = (block.across + 2) * camera.scale;
    const size = wide > 70 ? 12 : 10;
    context.font = `600 ${size}px ${FONT}`;
    const name = this.fitting(block.section.name, wide - 6);
    if (!name) return;
    const two = block.section.left !== null && block.deep * camera.scale > size * 3.2;
    const lines = two ? [name, String(block.section.left || "none")] : [name];
    const plateWide = Math.max(...lines.map((text) => this.widthOf(text))) + 8;
    const high = size + 2;
    this.plate(x - plateWide / 2, y - (lines.length * high) / 2 - 1, plateWide, lines.length * high + 3);
    context.textAlign = "center";
    context.textBaseline = "middle";
    lines.forEach((text, at) => {
      context.fillStyle = at === 0 ? palette["map-ink"] : palette["map-quiet"];
      context.font = `${at === 0 ? 600 : 400} ${size}px ${FONT}`;
      context.fillText(text, x, y + (at - (lines.length - 1) / 2) * high + 0.5);
    });
  }

  cut(name, wide) {
    let length = name.length;
    while (length > 1 && this.widthOf(`${name.slice(0, length)}…`) > wide) length -= 1;
    return length === name.length || this.widthOf(name) <= wide ? name : `${name.slice(0, length).trimEnd()}…`;
  }

  fitting(name, wide) {
    if (this.widthOf(name) <= wide) return name;
    const short = name.split(" ").map((word) => (/^\d+$/.test(word) ? word : word[0])).join("");
    return this.widthOf(short) <= wide ? short : null;
  }

  plate(x, y, wide, high) {
    const { context, palette } = this;
    context.globalAlpha = 0.9;
    context.fillStyle = palette["map-ground"];
    context.beginPath();
    context.roundRect(x, y, wide, high, 4);
    context.fill();
    context.globalAlpha = 1;
  }

  // From afar a chosen seat is a pixel; a ring says where to look.
  paintPins(camera, seen) {
    if (camera.scale >= SHAPES_FROM) return;
    for (const block of seen) {
      const { marks } = block.section;
      for (let place = marks.findIndex(Boolean); place >= 0 && place < marks.length; place += 1) {
        if (marks[place] === CHOSEN) this.ring(camera, { block, place }, this.palette["seat-chosen"], 2.5);
        if (marks[place] === OWN) this.ring(camera, { block, place }, this.palette["seat-own"], 2.5);
      }
    }
  }

  ring(camera, { block, place }, colour, width) {
    const { context } = this;
    const [x, y] = camera.toScreen(block.x + block.xs[place] + 0.5, block.y + block.ys[place] + 0.5);
    const side = Math.max(9, camera.scale * 1.02);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.roundRect(x - side / 2, y - side / 2, side, side, side * 0.26);
    context.stroke();
  }
}
