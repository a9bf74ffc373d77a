/** Lines that are kept. */
const KEPT = 300;

/** What the server printed, and who is told of new lines. */
export class ServerLog {
  readonly lines: { readonly t: string; readonly m: string }[] = [];
  private readonly subscribed = new Set<string>();

  /** `tell` sends a message to one client. */
  constructor(private readonly tell: (type: string, data: Readonly<Record<string, unknown>>, sid: string) => void) {}

  print(text: string): void {
    const line = { t: new Date().toISOString(), m: `${text}\n` };
    this.lines.push(line);
    if (this.lines.length > KEPT) this.lines.shift();
    for (const sid of this.subscribed) this.tell('logs', { entries: [line], size: { cols: 80, rows: 24 } }, sid);
  }

  subscribe(sid: string, enabled: boolean): void {
    if (enabled) this.subscribed.add(sid);
    else this.subscribed.delete(sid);
  }
}
