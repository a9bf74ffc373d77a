import { expect } from 'vitest';
import type { Checks } from '../player.js';

/** The websocket bug that one client can do to all others. */
export const stalled: Checks = {
  'ws.bug.stalled-reader': async (p) => {
    const [reader, stalled, watcher] = [await p.listen(), await p.listen(), await p.listen()];
    stalled.socket.pause();
    // Without a client id the pictures go to all: more than fits between the server and who does not read.
    const empty = { class_type: 'EmptyImage', inputs: { width: 800, height: 800, batch_size: 8, color: 0 } };
    const sink = { class_type: 'SaveImageWebsocket', inputs: { images: ['2', 0] } };
    const { id } = await p.submit({ '1': empty, '2': p.noise()['2']!, '3': sink });
    await p.entryInTime(id);
    const { id: next } = await p.submit(p.noise(), { by: reader });
    await p.entryInTime(next);
    expect(reader.events.filter((e) => e.data.prompt_id === next)).toEqual([]);
    stalled.socket.resume();
    await reader.ended(next);
    expect(watcher.frames).toHaveLength(8);
  },
};
