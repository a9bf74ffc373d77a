/** CPU time and memory of a process and its threads, from /proc (Linux only). */
import { readFileSync } from 'node:fs';

/** USER_HZ is 100 on every Linux that Node runs on (man 5 proc). */
const MS_PER_TICK = 10;

/** User and system milliseconds so far; 0 for a process that is gone. */
export function cpuMs(pid: number): number {
  try {
    // Fields after the command name, which may itself hold spaces and parentheses: 14 and 15 of the whole line are utime and stime.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return 0;
  }
}

/** Resident bytes. */
export function residentBytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}
