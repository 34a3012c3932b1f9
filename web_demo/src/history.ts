/** The last thirty seconds of a face's probabilities. */

/** What a history covers. */
export const SECONDS = 30;

const STEP = 0.1; // seconds between two samples

/** The shares of all labels, 0 to 1, at a time in seconds. */
export interface Sample {
  second: number;
  shares: number[];
  /** Whether the face was out of sight before. */
  isReturn: boolean;
}

/** Samples of the last thirty seconds, at most ten a second, the oldest first. */
export class History {
  private kept: Sample[] = [];
  private isGone = true;

  get samples(): readonly Sample[] {
    return this.kept;
  }

  /** Adds a sample, unless the last one is too near; says whether it did. */
  add(second: number, shares: number[]): boolean {
    const last = this.kept.at(-1);
    if (last !== undefined && second - last.second < STEP) return false;
    this.kept = this.kept.filter((sample) => sample.second >= second - SECONDS);
    this.kept.push({ second, shares, isReturn: this.isGone });
    this.isGone = false;
    return true;
  }

  /** Notes that the face is out of sight. */
  interrupt(): void {
    this.isGone = true;
  }

  /** Whether all of it is older than thirty seconds. */
  isOver(second: number): boolean {
    return (this.kept.at(-1)?.second ?? -Infinity) < second - SECONDS;
  }
}
