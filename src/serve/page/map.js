// The seat map: one canvas that can be looked at, dragged, zoomed, clicked, and walked with the keys.
import { make, byId, setText, show } from "./dom.js";
import { Camera } from "./camera.js";
import { Gestures } from "./gestures.js";
import { Painter, SHAPES_FROM } from "./paint.js";
import { blockAt, neighbour, planVenue, seatAt } from "./plan.js";
import { drawLook, readPalette } from "./sprites.js";
import { describeSeat, describeSection } from "./seats.js";

// A finger needs a bigger seat than a mouse before a tap can mean it.
const MOUSE_SEAT_PX = 12;
const TOUCH_SEAT_PX = 24;
const CURSOR_SEAT_PX = 22;
const ZOOM_STEP = 1.6;
// Beyond this, more pixels are work that nobody sees.
const PIXEL_RATIO_MAX = 2.5;

const LEGEND = [
  ["a", "available"], ["chosen", "chosen"], ["own", "yours"], ["h", "held"], ["p", "being paid for"],
  ["s", "sold"], ["b", "not for sale"],
];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class SeatMap {
  constructor(venue, { choose }) {
    this.venue = venue;
    this.choose = choose;
    this.canvas = byId("seat-map");
    this.frame = byId("map-frame");
    this.painter = new Painter(this.canvas, venue);
    this.camera = new Camera(() => this.dirty());
    this.plan = { blocks: [], across: 1, deep: 1 };
    this.cursor = null;
    this.hover = null;
    // Where the pointer is, so that the tooltip stays true when a seat changes or the map moves.
    this.at = null;
    this.asked = false;
    new Gestures(this.canvas, this.camera, { tap: (at, touch) => this.tap(at, touch), hover: (at) => this.point(at) });
    this.listen();
    this.measure();
    this.drawLegend();
  }

  listen() {
    this.venue.listen((changed) => {
      this.painter.changed(changed);
      if (changed?.length === 0) return;
      this.dirty();
      if (document.activeElement === this.canvas) this.announce();
    });
    new ResizeObserver(() => this.measure()).observe(this.frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => this.left());
    this.canvas.addEventListener("focus", () => this.focused());
    byId("zoom-in").addEventListener("click", () => this.camera.zoomGently(ZOOM_STEP));
    byId("zoom-out").addEventListener("click", () => this.camera.zoomGently(1 / ZOOM_STEP));
    byId("zoom-fit").addEventListener("click", () => this.camera.fit());
  }

  recolour() {
    this.painter.recolour();
    this.drawLegend();
    this.dirty();
  }

  drawLegend() {
    const palette = readPalette();
    byId("legend").replaceChildren(
      ...LEGEND.map(([look, words]) => {
        const sample = drawLook(look, 36, palette);
        sample.setAttribute("aria-hidden", "true");
        return make("li", {}, sample, words);
      }),
    );
  }

  // The plan flows anew only when the width changes: a phone's address bar that comes and goes must not
  // move the sections about.
  measure() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    if (width === 0 || height === 0) return;
    const ratio = Math.min(devicePixelRatio || 1, PIXEL_RATIO_MAX);
    const whole = this.plan.blocks.length === 0 || this.camera.isWhole();
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (width !== this.camera.width || this.plan.blocks.length === 0) this.plan = this.replan(width / height);
    this.camera.look(this.plan, width, height);
    if (whole) this.camera.fit(true);
    else this.camera.put(this.camera.goal());
  }

  replan(aspect) {
    const plan = planVenue(this.venue.sections, aspect);
    this.painter.bitmaps.clear();
    this.cursor = this.cursor && this.on(plan, this.cursor);
    this.point(null);
    return plan;
  }

  on(plan, { block, place }) {
    return { block: plan.blocks.find((one) => one.section === block.section), place };
  }

  // At the whole venue there is nothing to drag, and a finger scrolls the page.
  leaveScrolling() {
    const action = this.camera.isWhole() ? "pan-y" : "none";
    if (this.canvas.style.touchAction !== action) this.canvas.style.touchAction = action;
  }

  // However many seats change, there is one frame for all of them.
  dirty() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame((now) => {
      this.asked = false;
      const more = this.camera.step(now);
      this.leaveScrolling();
      if (this.at) this.point(this.at);
      const cursor = document.activeElement === this.canvas ? this.cursor : null;
      this.painter.paint(this.camera, this.plan, { cursor, hover: this.hover });
      if (more) this.dirty();
    });
  }

  tap(at, touch) {
    const [x, y] = this.camera.toWorld(at.x, at.y);
    const needed = touch ? TOUCH_SEAT_PX : MOUSE_SEAT_PX;
    if (this.camera.goal().scale < needed) {
      this.approach(x, y, needed);
      return;
    }
    const found = seatAt(this.plan, x, y);
    if (!found) return;
    this.cursor = found;
    this.choose(found.block.section, found.place);
    this.dirty();
  }

  // The whole section if its seats are then big enough, else the part of it around the point.
  approach(x, y, needed) {
    const block = blockAt(this.plan, x, y);
    if (!block) return;
    const whole = Math.min(this.camera.width / (block.across + 4), this.camera.height / (block.deep + 5));
    if (whole >= needed) this.camera.centreOn(block.x + block.across / 2, block.y + block.deep / 2 - 1, whole);
    else this.camera.centreOn(x, y, needed);
  }

  point(at) {
    this.at = at;
    const [x, y] = at ? this.camera.toWorld(at.x, at.y) : [];
    const block = at ? blockAt(this.plan, x, y) : null;
    const seat = at && this.camera.scale >= SHAPES_FROM ? seatAt(this.plan, x, y) : null;
    const before = this.hover;
    this.hover = seat ?? (block && { block, place: -1 });
    this.tip(at);
    if (before?.block !== this.hover?.block || before?.place !== this.hover?.place) this.dirty();
  }

  tip(at) {
    const tip = byId("map-tip");
    const near = this.camera.scale >= SHAPES_FROM;
    const shown = this.hover && (this.hover.place >= 0 || !near);
    show(tip, Boolean(shown));
    if (!shown) return;
    const { block, place } = this.hover;
    setText(tip, place >= 0 ? describeSeat(this.venue.seat(block.section.index, place)) : describeSection(block.section));
    const left = Math.min(Math.max(at.x - tip.offsetWidth / 2, 4), this.camera.width - tip.offsetWidth - 4);
    const above = at.y - tip.offsetHeight - 14;
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(above < 4 ? at.y + 22 : above)}px)`;
  }

  // The line is about the seat under the keys: without the focus it would say what was so.
  left() {
    setText(byId("map-cursor"), "");
    this.dirty();
  }

  focused() {
    if (this.cursor) this.announce();
    this.dirty();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const done = this.zoomKey(event.key) || this.moveKey(event.key) || this.chooseKey(event.key);
    if (done) event.preventDefault();
  }

  zoomKey(key) {
    if (key === "+" || key === "=") this.camera.zoomGently(ZOOM_STEP);
    else if (key === "-") this.camera.zoomGently(1 / ZOOM_STEP);
    else if (key === "0") this.camera.fit();
    else return false;
    return true;
  }

  moveKey(key) {
    const next = this.nextCursor(key);
    if (next === undefined) return false;
    if (next) this.cursor = next;
    if (this.cursor) {
      const { block, place } = this.cursor;
      this.camera.reveal(block.x + block.xs[place], block.y + block.ys[place], CURSOR_SEAT_PX);
      this.announce();
      this.dirty();
    }
    return true;
  }

  // Undefined where the key is none of ours, null where there is no way on.
  nextCursor(key) {
    const first = this.plan.blocks[0];
    const ours = key in ARROWS || ["Home", "End", "PageUp", "PageDown"].includes(key);
    if (!ours || !first) return undefined;
    if (!this.cursor) return { block: first, place: 0 };
    const { block, place } = this.cursor;
    if (key in ARROWS) return neighbour(this.plan, this.cursor, ...ARROWS[key]);
    if (key === "Home" || key === "End") {
      const row = block.section.rowAt(place);
      return { block, place: key === "Home" ? row.first : row.first + row.seats.length - 1 };
    }
    const other = this.plan.blocks[this.plan.blocks.indexOf(block) + (key === "PageDown" ? 1 : -1)];
    return other ? { block: other, place: 0 } : null;
  }

  chooseKey(key) {
    if (key !== "Enter" && key !== " ") return false;
    if (this.cursor) this.choose(this.cursor.block.section, this.cursor.place);
    else this.moveKey("ArrowRight");
    this.announce();
    return true;
  }

  announce() {
    if (!this.cursor) return;
    setText(byId("map-cursor"), describeSeat(this.venue.seat(this.cursor.block.section.index, this.cursor.place)));
  }
}
