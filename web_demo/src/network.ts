/** The worker with the networks, and its files, which the page loads for it. */

import expressionsUrl from "packaged-model?url";
import { hasSimd } from "lce-core";
import portableUrl from "lce-core/wasm/lce_core_portable.wasm?url";
import simdUrl from "lce-core/wasm/lce_core_simd128.wasm?url";
import facesUrl from "../node_modules/@mediapipe/face_detection/face_detection_short_range.tflite?url";
import type { Analysed, Reply, Request, Started } from "./protocol.js";
import { say } from "./strings.js";
import AnalysisWorker from "./worker.js?worker&inline";

/** Digest of BlazeFace's file, the one that the desktop uses. */
const FACES_SHA256 = "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633";

/** Something that the user can be told in a sentence. */
export class Problem extends Error {}

async function load(url: string): Promise<ArrayBuffer> {
  try {
    const response = await fetch(url);
    if (response.ok) return await response.arrayBuffer();
  } catch {
    // said below
  }
  throw new Problem(say("noFile"));
}

async function isFaceDetector(content: ArrayBuffer): Promise<boolean> {
  if (!("subtle" in crypto)) return true; // a page without https: the files are the page's own
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === FACES_SHA256;
}

/** Finds and classifies faces, one image at a time. */
export class Analyser {
  private count = 0;
  private waiting: ((reply: Reply) => void) | null = null;

  private constructor(
    private readonly worker: Worker,
    readonly simd: boolean,
  ) {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.waiting?.(data);
    worker.onerror = ({ message }) => this.waiting?.({ kind: "failed", reason: message });
  }

  labels: string[] = [];
  temperature: number | null = null;
  kernel = "";

  /** Loads the networks; a Problem says why that failed. */
  static async start(): Promise<Analyser> {
    if (typeof WebAssembly !== "object") throw new Problem(say("noWebAssembly"));
    const simd = hasSimd();
    const [module, expressions, faces] = await Promise.all(
      [simd ? simdUrl : portableUrl, expressionsUrl, facesUrl].map(load),
    );
    if (!(await isFaceDetector(faces!))) throw new Problem(say("noFile"));
    const analyser = new Analyser(new AnalysisWorker(), simd);
    const request = { kind: "start", module, expressions, faces } as Request;
    const reply = (await analyser.ask(request, [module!, expressions!, faces!])) as Started;
    analyser.labels = reply.labels;
    analyser.temperature = reply.temperature;
    analyser.kernel = reply.kernel;
    return analyser;
  }

  /** `frame`: its number in a video, from 0; null for a photograph. */
  async analyse(image: ImageData, frame: number | null): Promise<Analysed> {
    const request: Request = { kind: "analyse", id: ++this.count, image, frame };
    return (await this.ask(request, [image.data.buffer])) as Analysed;
  }

  private ask(request: Request, transfer: Transferable[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.waiting = (reply) => {
        if (reply.kind === "failed") reject(new Problem(say("failed", { reason: reply.reason })));
        else resolve(reply);
      };
      this.worker.postMessage(request, transfer);
    });
  }
}
