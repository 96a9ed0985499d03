// The model: the venue as it never changes, and the status of each seat as it does. Knows versions and
// epochs; knows nothing of how it is drawn.
import { ask, eventPath, isPassing, pauseBefore } from "./api.js";
import { pause } from "./dom.js";
import { splitLabel } from "./words.js";

// Changes are kept while the map is on its way; beyond this it is cheaper to read the map again.
const KEPT_MAX = 5_000;
// A map older than the stream's hello has a gap; how often a newer one is asked for.
const STALE_READS_MAX = 5;

const LETTERS = ["a", "h", "p", "s", "b"];
const NAMES = { a: "available", h: "held", p: "paying", s: "sold", b: "blocked" };
// What a seat is before the map is read; the server knows no such letter.
export const UNKNOWN = "u";
export const CHOSEN = 1;
export const OWN = 2;

class Section {
  constructor(layout, index) {
    Object.assign(this, { index, name: layout.section, type: layout.type, entrance: layout.entrance, kinds: layout.kinds });
    let first = 0;
    this.rows = layout.rows.map((row) => {
      const placed = { row: row.row, seats: row.seats, gaps: row.gaps ?? [], kinds: row.kinds ?? null, first };
      first += row.seats.length;
      return placed;
    });
    this.size = first;
    this.statuses = new Array(this.size).fill(UNKNOWN);
    this.marks = new Uint8Array(this.size);
    this.left = null;
  }

  // The row that a place is in: rows are in order of their first place.
  rowAt(place) {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.rows[middle].first <= place) low = middle;
      else high = middle - 1;
    }
    return this.rows[low];
  }

  kindOf(place) {
    const row = this.rowAt(place);
    return this.kinds[row.kinds?.[place - row.first] ?? 0];
  }

  // Whether so many free seats sit side by side: of a type, or of any that is not only for who asks for it.
  fits(size, type) {
    const isWanted = (kind) => (type ? kind.type.toLowerCase() === type.toLowerCase() : !kind.only_if_asked_for);
    const wanted = this.kinds.map(isWanted);
    return this.rows.some((row) => {
      const aisles = new Set(row.gaps);
      let run = 0;
      return row.seats.some((_, at) => {
        const isFree = this.statuses[row.first + at] === "a" && wanted[row.kinds?.[at] ?? 0];
        run = !isFree ? 0 : aisles.has(at) ? 1 : run + 1;
        return run >= size;
      });
    });
  }

  placeOf(rowName, seat) {
    this.rowsByName ??= new Map(this.rows.map((row) => [row.row, row]));
    const row = this.rowsByName.get(rowName);
    const at = row ? row.seats.indexOf(seat) : -1;
    return at < 0 ? -1 : row.first + at;
  }
}

export class Venue {
  constructor(layout, event) {
    this.event = event;
    this.sections = layout.sections.map((section, index) => new Section(section, index));
    this.byName = new Map(this.sections.map((section) => [section.name, section]));
    this.counts = null;
    this.epoch = null;
    this.version = -1;
    this.kept = null;
    this.reading = 0;
    this.listeners = [];
  }

  // A listener hears the seats that changed, as [section, place], or null for "look at all of them".
  listen(listener) {
    this.listeners.push(listener);
  }

  tell(changed) {
    this.listeners.forEach((listener) => listener(changed));
  }

  // Where the stream has to go on so that nothing is missed.
  lastId() {
    return this.kept || this.epoch === null ? null : `${this.epoch}-${this.version}`;
  }

  find(label) {
    const { section: name, row, seat } = splitLabel(label);
    const section = this.byName.get(name);
    const place = section ? section.placeOf(row, seat) : -1;
    return place < 0 ? null : { section, place };
  }

  // Whether a group fits somewhere, as the box office would choose seats for it.
  fits(size, section, type) {
    const sections = section ? [this.byName.get(section)].filter(Boolean) : this.sections;
    return size > 0 && sections.some((one) => one.left > 0 && one.fits(size, type));
  }

  seat(sectionIndex, place) {
    const section = this.sections[sectionIndex];
    const row = section.rowAt(place);
    const number = row.seats[place - row.first];
    return {
      section,
      place,
      row: row.row,
      number,
      label: `${section.name}/${row.row}/${number}`,
      status: section.statuses[place],
      kind: section.kindOf(place),
      mark: section.marks[place],
    };
  }

  mark(label, mark) {
    const found = this.find(label);
    if (!found) return;
    found.section.marks[found.place] = mark;
    this.tell([[found.section.index, found.place]]);
  }

  hello({ resumed, epoch, version }) {
    if (resumed && epoch === this.epoch) return;
    this.readMap({ epoch, version });
  }

  // Keeps what the stream tells in the meantime and applies it afterwards, as far as it is newer.
  async readMap(heard = null) {
    this.reading += 1;
    const turn = this.reading;
    this.kept = [];
    const map = await this.askForMap(heard, () => turn === this.reading);
    if (turn !== this.reading || !map) return;
    const kept = this.kept;
    this.kept = null;
    this.take(map);
    if (kept === "too many") this.readMap();
    else kept.forEach(([changes, epoch]) => this.change(changes, epoch));
  }

  async askForMap(heard, current) {
    for (let attempt = 0, stale = 0; current(); attempt += 1) {
      try {
        const map = await ask("GET", eventPath(this.event, "/map"));
        const gap = heard && heard.epoch === map.epoch && map.version < heard.version;
        if (!gap || (stale += 1) > STALE_READS_MAX) return map;
        await pause(pauseBefore(0));
      } catch (error) {
        if (!isPassing(error)) return null;
        await pause(pauseBefore(attempt, error));
      }
    }
    return null;
  }

  take(map) {
    this.epoch = map.epoch;
    this.version = map.version;
    map.sections.forEach(({ statuses }, index) => {
      const section = this.sections[index];
      if (!section) return;
      section.left = 0;
      for (let place = 0; place < section.size; place += 1) {
        section.statuses[place] = statuses[place] ?? "b";
        if (statuses[place] === "a") section.left += 1;
      }
    });
    this.counts = this.count();
    this.tell(null);
  }

  count() {
    const counts = { minted: 0, available: 0, held: 0, paying: 0, sold: 0, blocked: 0 };
    for (const section of this.sections) {
      counts.minted += section.size;
      for (const letter of section.statuses) counts[NAMES[letter]] += 1;
    }
    return counts;
  }

  change(changes, epoch) {
    if (this.kept) {
      if (this.kept !== "too many" && this.kept.push([changes, epoch]) > KEPT_MAX) this.kept = "too many";
      return;
    }
    if (epoch !== null && epoch !== this.epoch) {
      this.readMap();
      return;
    }
    if (changes.version <= this.version) return;
    this.version = changes.version;
    this.counts = changes.counts ?? this.counts;
    const changed = changes.changes.filter((one) => this.set(one));
    if (changed.length > 0 || changes.counts) this.tell(changed);
  }

  set([index, place, letter]) {
    const section = this.sections[index];
    if (!section || place >= section.size || !LETTERS.includes(letter)) return false;
    const before = section.statuses[place];
    if (before === letter) return false;
    if (before === "a") section.left -= 1;
    if (letter === "a") section.left += 1;
    section.statuses[place] = letter;
    return true;
  }
}

// An id is `epoch-version`, and an epoch may have hyphens of its own.
export function epochOf(id) {
  return id ? id.slice(0, id.lastIndexOf("-")) : null;
}
