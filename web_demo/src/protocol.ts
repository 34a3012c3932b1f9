/** What the page and its worker say to each other. */
import type { Box } from "./geometry.js";

export interface Start {
  kind: "start";
  module: ArrayBuffer;
  expressions: ArrayBuffer;
  faces: ArrayBuffer;
}

export interface Analyse {
  kind: "analyse";
  id: number;
  image: ImageData;
  /** Number of the frame in a video, from 0; null for a photograph. */
  frame: number | null;
}

export type Request = Start | Analyse;

export interface FoundFace {
  /** 1, 2, 3 ... from the left; in a video the same as long as the face is in sight. */
  number: number;
  box: Box;
  scores: number[];
}

export interface Started {
  kind: "started";
  labels: string[];
  temperature: number | null;
  kernel: string;
}

export interface Analysed {
  kind: "analysed";
  id: number;
  faces: FoundFace[];
  detectionMilliseconds: number;
  classificationMilliseconds: number;
}

export interface Failed {
  kind: "failed";
  reason: string;
}

export type Reply = Started | Analysed | Failed;
