/** A queue of moments: the earliest first, and of equal ones the one that was put in first. */

/** Binary heap over typed arrays; values are indices that the caller understands. */
export class MomentHeap {
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  #values = new Int32Array(1024);
  #count = 0;
  #order = 0;

  get count(): number {
    return this.#count;
  }

  /** Moment of the first entry, or Infinity. */
  get first(): number {
    return this.#count === 0 ? Infinity : (this.#times[0] ?? Infinity);
  }

  push(time: number, value: number): void {
    if (this.#count === this.#values.length) this.#grow();
    let at = this.#count;
    this.#count += 1;
    const order = this.#order;
    this.#order += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#times[parent] ?? 0;
      if (above <= time) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, time, order, value);
  }

  pop(): number {
    const value = this.#values[0] ?? -1;
    this.#count -= 1;
    const last = this.#count;
    const time = this.#times[last] ?? 0;
    const order = this.#orders[last] ?? 0;
    const moved = this.#values[last] ?? 0;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#before(child + 1, child)) child += 1;
      const below = this.#times[child] ?? 0;
      if (below > time || (below === time && (this.#orders[child] ?? 0) > order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, time, order, moved);
    return value;
  }

  #before(left: number, right: number): boolean {
    const difference = (this.#times[left] ?? 0) - (this.#times[right] ?? 0);
    if (difference !== 0) return difference < 0;
    return (this.#orders[left] ?? 0) < (this.#orders[right] ?? 0);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from] ?? 0, this.#orders[from] ?? 0, this.#values[from] ?? 0);
  }

  #set(at: number, time: number, order: number, value: number): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#values[at] = value;
  }

  #grow(): void {
    const size = this.#values.length * 2;
    const [times, orders, values] = [this.#times, this.#orders, this.#values];
    this.#times = new Float64Array(size);
    this.#orders = new Float64Array(size);
    this.#values = new Int32Array(size);
    this.#times.set(times);
    this.#orders.set(orders);
    this.#values.set(values);
  }
}
