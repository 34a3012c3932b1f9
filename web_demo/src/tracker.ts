/** Which face in a video's frame is which face of the frames before: fer_larq/inference/tracker.py. */
import { type Box, overlap } from "./geometry.js";

const REMEMBERED_FRAMES = 20;
const SAME_FACE_THRESHOLD = 0.3;

/** Numbers the faces of one video by where they are. */
export class FaceTracker {
  /** Frames so far. */
  frameNumber = 0;
  private facesSoFar = 0;
  /** Of each number the last box, and the frame that it was in. */
  private seen = new Map<number, { box: Box; frame: number }>();

  /** The last boxes of the faces that may come back. */
  get boxes(): Box[] {
    return [...this.seen.values()].map(({ box }) => box);
  }

  /** Numbers of the faces in the next frame: by place, those of the faces seen before. */
  track(boxes: Box[]): number[] {
    const recent = new Map(
      [...this.seen].filter(([, { frame }]) => this.frameNumber - frame <= REMEMBERED_FRAMES),
    );
    const now = new Map<number, { box: Box; frame: number }>();
    const numbers = boxes.map((box) => {
      let number = 0;
      let largest = SAME_FACE_THRESHOLD;
      for (const [known, { box: last }] of recent) {
        const shared = overlap(last, box);
        if (shared > largest || (number === 0 && shared === largest))
          [number, largest] = [known, shared];
      }
      if (number === 0) number = ++this.facesSoFar;
      recent.delete(number);
      now.set(number, { box, frame: this.frameNumber });
      return number;
    });
    this.seen = new Map([...recent, ...now]);
    this.frameNumber += 1;
    return numbers;
  }
}
