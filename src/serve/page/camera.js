// What part of the plan is seen, and how big. World units are seats; the screen is in CSS pixels.

const SCALE_MAX = 56;
const MARGIN_PX = 12;
const FLIGHT_MS = 220;

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const ease = (part) => 1 - (1 - part) ** 3;
const between = (low, value, high) => Math.min(Math.max(value, low), high);

export class Camera {
  constructor(onMove) {
    this.onMove = onMove;
    this.plan = { across: 1, deep: 1 };
    this.width = 1;
    this.height = 1;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.flight = null;
  }

  look(plan, width, height) {
    Object.assign(this, { plan, width, height });
  }

  fitScale() {
    const { across, deep } = this.plan;
    return Math.min((this.width - 2 * MARGIN_PX) / across, (this.height - 2 * MARGIN_PX) / deep, SCALE_MAX);
  }

  isWhole() {
    return this.scale <= this.fitScale() * 1.001;
  }

  toWorld(px, py) {
    return [this.x + px / this.scale, this.y + py / this.scale];
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale, (y - this.y) * this.scale];
  }

  // Nothing is gained by looking past the venue's edge; what is smaller than the view is centred.
  hold(at) {
    const scale = between(this.fitScale(), at.scale, SCALE_MAX);
    const margin = MARGIN_PX / scale;
    const along = (start, seen, whole) =>
      seen >= whole + 2 * margin ? (whole - seen) / 2 : between(-margin, start, whole + margin - seen);
    return {
      scale,
      x: along(at.x, this.width / scale, this.plan.across),
      y: along(at.y, this.height / scale, this.plan.deep),
    };
  }

  put(at) {
    this.flight = null;
    Object.assign(this, this.hold(at));
    this.onMove();
  }

  fly(at) {
    const to = this.hold(at);
    if (calm.matches) {
      this.put(to);
      return;
    }
    this.flight = { from: { x: this.x, y: this.y, scale: this.scale }, to, start: performance.now() };
    this.onMove();
  }

  // Moves along; answers whether there is more to come. The scale goes in equal ratios, so that zooming
  // out of 50,000 seats does not rush at its end.
  step(now) {
    if (!this.flight) return false;
    const { from, to, start } = this.flight;
    const part = ease(between(0, (now - start) / FLIGHT_MS, 1));
    if (part >= 1) {
      this.flight = null;
      Object.assign(this, to);
      return false;
    }
    const scale = from.scale * (to.scale / from.scale) ** part;
    const centre = (side, seen) => {
      const start_ = from[side] + seen / 2 / from.scale;
      const end = to[side] + seen / 2 / to.scale;
      return start_ + (end - start_) * part - seen / 2 / scale;
    };
    Object.assign(this, { scale, x: centre("x", this.width), y: centre("y", this.height) });
    return true;
  }

  goal() {
    return this.flight ? this.flight.to : { x: this.x, y: this.y, scale: this.scale };
  }

  fit(at_once = false) {
    const at = { x: 0, y: 0, scale: 0 };
    if (at_once) this.put(at);
    else this.fly(at);
  }

  panBy(dx, dy) {
    this.put({ scale: this.scale, x: this.x - dx / this.scale, y: this.y - dy / this.scale });
  }

  // The point under the pointer stays under the pointer.
  zoomed(factor, px, py) {
    const { scale: before, x, y } = this.goal();
    const scale = between(this.fitScale(), before * factor, SCALE_MAX);
    return { scale, x: x + px / before - px / scale, y: y + py / before - py / scale };
  }

  zoomBy(factor, px = this.width / 2, py = this.height / 2) {
    this.put(this.zoomed(factor, px, py));
  }

  zoomGently(factor) {
    this.fly(this.zoomed(factor, this.width / 2, this.height / 2));
  }

  centreOn(x, y, scale) {
    this.fly({ scale, x: x - this.width / 2 / scale, y: y - this.height / 2 / scale });
  }

  // Brings a seat into view without moving more than needed.
  reveal(x, y, scaleMin) {
    const goal = this.goal();
    if (goal.scale < scaleMin) {
      this.centreOn(x + 0.5, y + 0.5, scaleMin);
      return;
    }
    const keep = 2;
    const along = (start, seen, at) => between(at + 1 + keep - seen / goal.scale, start, at - keep);
    const next = { scale: goal.scale, x: along(goal.x, this.width, x), y: along(goal.y, this.height, y) };
    if (next.x !== goal.x || next.y !== goal.y) this.fly(next);
  }
}
