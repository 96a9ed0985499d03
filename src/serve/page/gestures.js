// Fingers, mouse and wheel on the map, told as pan, zoom, tap and hover.

const DRAG_FROM_PX = 6;
const TOUCH_DRAG_FROM_PX = 10;
const WHEEL_ZOOM = 0.0016;
const LINE_PX = 16;

const spread = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
const middle = (points) => ({
  x: points.reduce((total, point) => total + point.x, 0) / points.length,
  y: points.reduce((total, point) => total + point.y, 0) / points.length,
});

export class Gestures {
  constructor(canvas, camera, { tap, hover }) {
    Object.assign(this, { canvas, camera, tap, hover });
    this.pointers = new Map();
    this.moved = false;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.drop(event));
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  down(event) {
    if (event.button !== 0) return;
    if (this.pointers.size === 0) this.moved = false;
    this.pointers.set(event.pointerId, { ...this.point(event), start: this.point(event) });
    this.canvas.setPointerCapture(event.pointerId);
    if (this.pointers.size > 1) this.moved = true;
  }

  move(event) {
    const pointer = this.pointers.get(event.pointerId);
    const at = this.point(event);
    if (!pointer) {
      if (event.pointerType === "mouse") this.hover(at);
      return;
    }
    const threshold = event.pointerType === "touch" ? TOUCH_DRAG_FROM_PX : DRAG_FROM_PX;
    if (!this.moved && Math.hypot(at.x - pointer.start.x, at.y - pointer.start.y) < threshold) return;
    this.moved = true;
    this.hover(null);
    const before = [...this.pointers.values()].map(({ x, y }) => ({ x, y }));
    Object.assign(pointer, at);
    this.follow(before, [...this.pointers.values()]);
  }

  follow(before, after) {
    const from = middle(before);
    const to = middle(after);
    this.camera.panBy(to.x - from.x, to.y - from.y);
    if (after.length === 2) this.camera.zoomBy(spread(after) / spread(before), to.x, to.y);
  }

  up(event) {
    const pointer = this.pointers.get(event.pointerId);
    this.drop(event);
    if (pointer && !this.moved) this.tap(this.point(event), event.pointerType === "touch");
  }

  drop(event) {
    this.pointers.delete(event.pointerId);
  }

  // At the whole venue, turning the wheel back scrolls the page: the map must not be a trap.
  wheel(event) {
    const turned = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * LINE_PX : event.deltaY;
    if (turned > 0 && this.camera.isWhole()) return;
    event.preventDefault();
    const { x, y } = this.point(event);
    this.camera.zoomBy(Math.exp(-turned * WHEEL_ZOOM * (event.ctrlKey ? 5 : 1)), x, y);
    this.hover({ x, y });
  }
}
