import { describe, expect, test } from 'vitest';
import { Permit, slotsOf, type WorkerSlots } from '../../fleet/permit.js';

const context = {} as never;
const reserve = ({ supplier }: WorkerSlots, signal = new AbortController().signal) =>
  supplier.reserveSlot(context, signal);
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const nobody = Symbol();
  return (await Promise.race([promise.catch(() => undefined), Promise.resolve(nobody)])) !== nobody;
};

describe('a permit shared by the Workers of one ComfyUI', () => {
  test('together they reserve no more than it has', async () => {
    const permit = new Permit(2);
    const [a, b] = [slotsOf(permit), slotsOf(permit)];
    const slot = await reserve(a);
    await reserve(b);
    expect(a.supplier.tryReserveSlot(context)).toBeNull();
    const third = reserve(b);
    expect(await settled(third)).toBe(false);
    a.supplier.releaseSlot({ permit: slot });
    await third;
    expect(permit.reserved).toBe(2);
  });

  test('a Worker that closes gives back what it holds and does not use, and only that', async () => {
    const permit = new Permit(2);
    const [a, b] = [slotsOf(permit), slotsOf(permit)];
    const used = await reserve(a);
    await reserve(a);
    a.supplier.markSlotUsed({ permit: used } as never);
    a.close();
    expect([permit.reserved, permit.used]).toEqual([1, 1]);
    await reserve(b);
    expect(b.supplier.tryReserveSlot(context)).toBeNull();
    a.supplier.releaseSlot({ permit: used });
    expect(permit.reserved).toBe(1);
    await expect(reserve(a)).rejects.toThrow();
  });

  test('a task that arrives while its Worker closes counts, and its slot is given back once', async () => {
    const permit = new Permit(1);
    const a = slotsOf(permit);
    const slot = await reserve(a);
    a.close();
    a.supplier.markSlotUsed({ permit: slot } as never);
    expect(permit.reserved).toBe(1);
    a.supplier.releaseSlot({ permit: slot });
    a.supplier.releaseSlot({ permit: slot });
    expect(permit.reserved).toBe(0);
  });

  test('a lowered limit is reached as slots become free, a raised one at once', async () => {
    const permit = new Permit(2);
    const a = slotsOf(permit);
    const first = await reserve(a);
    await reserve(a);
    permit.limit = 1;
    a.supplier.releaseSlot({ permit: first });
    const waiting = reserve(a);
    expect(await settled(waiting)).toBe(false);
    permit.limit = 2;
    await waiting;
    expect(permit.reserved).toBe(2);
  });

  test('who gives up waiting takes no slot later', async () => {
    const permit = new Permit(1);
    const a = slotsOf(permit);
    const slot = await reserve(a);
    const gone = new AbortController();
    const waiting = reserve(a, gone.signal);
    gone.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    a.supplier.releaseSlot({ permit: slot });
    expect(permit.reserved).toBe(0);
  });
});
