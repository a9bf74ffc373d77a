/** The slots of one ComfyUI, shared by the Workers that draw on it: however many queues are open, it never has more candidates than it has slots. */
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

/**
 * How many candidates a ComfyUI may have at once.
 *
 * @example
 * const permit = new Permit(2);
 * permit.limit = 1; // from now on one candidate at a time
 */
export class Permit {
  #limit: number;
  #reserved = 0;
  #used = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Slots above a lowered limit are not taken away: they are missing once they become free. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#admit();
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Candidates that are here. */
  get used(): number {
    return this.#used;
  }

  use(): void {
    this.#used++;
  }

  unuse(): void {
    this.#used--;
  }

  /** Resolves once a slot is reserved. @throws the signal's reason if it aborts first */
  async reserve(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryReserve()) return;
    await new Promise<void>((resolve, reject) => {
      const admit = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(admit);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  tryReserve(): boolean {
    if (this.#reserved >= this.#limit) return false;
    this.#reserved++;
    return true;
  }

  /** Takes a slot even above the limit: a task is here already. */
  force(): void {
    this.#reserved++;
  }

  release(): void {
    this.#reserved--;
    this.#admit();
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.tryReserve()) this.#waiting.shift()?.();
  }
}

/** The part of a permit that one Worker holds. */
export interface WorkerSlots {
  supplier: CustomSlotSupplier<ActivitySlotInfo>;
  /** The Worker takes nothing more: what it has reserved and does not use is free for others at once. The SDK does not give that back. */
  close(): void;
}

/**
 * A Worker reserves a slot before it asks Temporal for a task, so a Worker that may not take any does not even ask.
 *
 * @param onChange told when a task begins or ends
 */
export function slotsOf(permit: Permit, onChange: () => void = () => undefined): WorkerSlots {
  const held = new Map<SlotPermit, 'reserved' | 'used'>();
  const closed = new AbortController();
  const hold = (): SlotPermit => {
    const slot = {};
    held.set(slot, 'reserved');
    return slot;
  };
  return {
    close() {
      closed.abort();
      for (const [slot, state] of held) {
        if (state === 'used') continue;
        held.delete(slot);
        permit.release();
      }
    },
    supplier: {
      type: 'custom',
      async reserveSlot(_context, signal) {
        await permit.reserve(AbortSignal.any([signal, closed.signal]));
        return hold();
      },
      tryReserveSlot: () => (!closed.signal.aborted && permit.tryReserve() ? hold() : null),
      markSlotUsed({ permit: slot }) {
        // The task was on its way when the slot was given back.
        if (!held.has(slot)) permit.force();
        held.set(slot, 'used');
        permit.use();
        onChange();
      },
      releaseSlot({ permit: slot }) {
        const state = held.get(slot);
        if (!held.delete(slot)) return;
        if (state === 'used') permit.unuse();
        permit.release();
        onChange();
      },
    },
  };
}
