// What a seat looks like. Colour is never the only sign: each status has its own shape as well, and from
// afar, where a seat is a pixel, its own lightness.

const NAMES = [
  "seat-a", "seat-h", "seat-p", "seat-s", "seat-b", "seat-u", "seat-chosen", "seat-own", "seat-number",
  "seat-gone", "map-ground", "map-block", "map-ink", "map-quiet", "map-cursor",
];
// Sprites are drawn at these sizes and scaled down in between: drawing them anew for each step of a
// zoom would cost more than the zoom.
const SIZES = [16, 24, 36, 56, 84, 124];

export const LOOKS = ["a", "h", "p", "s", "b", "u", "chosen", "own"];

export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

// For a pixel of an ImageData: little-endian, as on everything that browsers run on.
export function pixel(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function outline(context, at, side, radius) {
  context.beginPath();
  context.roundRect(at, at, side, side, radius);
}

function filled(context, s, colour) {
  context.fillStyle = colour;
  outline(context, s * 0.1, s * 0.8, s * 0.22);
  context.fill();
}

function framed(context, s, colour) {
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1.2, s * 0.09);
  outline(context, s * 0.15, s * 0.7, s * 0.2);
  context.stroke();
}

function line(context, s, ...points) {
  context.beginPath();
  points.forEach(([x, y], at) => (at === 0 ? context.moveTo(x * s, y * s) : context.lineTo(x * s, y * s)));
  context.stroke();
}

const DRAW = {
  a: (context, s, palette) => filled(context, s, palette["seat-a"]),
  // Half of it is filled: somebody has it, but may let go.
  h(context, s, palette) {
    framed(context, s, palette["seat-h"]);
    context.save();
    outline(context, s * 0.15, s * 0.7, s * 0.2);
    context.clip();
    context.fillStyle = palette["seat-h"];
    context.fillRect(0, s * 0.5, s, s);
    context.restore();
  },
  p(context, s, palette) {
    framed(context, s, palette["seat-p"]);
    context.fillStyle = palette["seat-p"];
    context.beginPath();
    context.arc(s / 2, s / 2, s * 0.17, 0, 2 * Math.PI);
    context.fill();
  },
  s(context, s, palette) {
    context.strokeStyle = palette["seat-gone"];
    context.lineWidth = Math.max(1.2, s * 0.08);
    line(context, s, [0.32, 0.32], [0.68, 0.68]);
    line(context, s, [0.68, 0.32], [0.32, 0.68]);
  },
  b(context, s, palette) {
    context.strokeStyle = palette["seat-gone"];
    context.lineWidth = Math.max(1.2, s * 0.08);
    line(context, s, [0.3, 0.5], [0.7, 0.5]);
  },
  u: (context, s, palette) => framed(context, s, palette["seat-u"]),
  chosen(context, s, palette) {
    filled(context, s, palette["seat-chosen"]);
    context.strokeStyle = palette["seat-number"];
    context.lineWidth = Math.max(1.6, s * 0.11);
    context.lineCap = "round";
    context.lineJoin = "round";
    line(context, s, [0.28, 0.52], [0.44, 0.68], [0.73, 0.34]);
  },
  own(context, s, palette) {
    filled(context, s, palette["seat-own"]);
    context.strokeStyle = palette["seat-number"];
    context.lineWidth = Math.max(1.4, s * 0.09);
    outline(context, s * 0.25, s * 0.5, s * 0.12);
    context.stroke();
  },
};

export function drawLook(look, size, palette) {
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  DRAW[look](canvas.getContext("2d"), size, palette);
  return canvas;
}

export class Sprites {
  constructor(palette) {
    this.palette = palette;
    this.sheets = new Map();
  }

  // All looks in a size that is not smaller than what is asked for.
  atLeast(pixels) {
    const size = SIZES.find((one) => one >= pixels) ?? SIZES.at(-1);
    if (!this.sheets.has(size)) {
      this.sheets.set(size, Object.fromEntries(LOOKS.map((look) => [look, drawLook(look, size, this.palette)])));
    }
    return this.sheets.get(size);
  }
}
