/** Finds and classifies faces, away from the page's own thread. It asks nothing of the network. */
import { LceCore, ModelError } from "lce-core";
import { Classifier } from "./classifier.js";
import { FaceDetector } from "./detector.js";
import { cutFace } from "./geometry.js";
import { fromCanvas } from "./image.js";
import type { Analyse, Reply, Request, Start } from "./protocol.js";
import { FaceTracker } from "./tracker.js";

let classifier: Classifier;
let detector: FaceDetector;
let tracker = new FaceTracker();

async function start(request: Start): Promise<Reply> {
  const core = await LceCore.instantiate(request.module);
  classifier = new Classifier(core, new Uint8Array(request.expressions));
  detector = new FaceDetector(core, new Uint8Array(request.faces));
  const { labels, temperature } = classifier;
  return { kind: "started", labels, temperature, kernel: core.kernelName };
}

function analyse({ id, image: data, frame }: Analyse): Reply {
  const began = performance.now();
  const image = fromCanvas(data);
  if (frame === null || frame === 0) tracker = new FaceTracker();
  const boxes =
    frame === null
      ? detector.detect(image)
      : detector.detectNext(image, tracker.boxes, tracker.frameNumber);
  const numbers = tracker.track(boxes);
  const found = performance.now();
  const faces = boxes.map((box, index) => ({
    number: numbers[index]!,
    box,
    scores: classifier.scores(cutFace(image, box)),
  }));
  return {
    kind: "analysed",
    id,
    faces,
    detectionMilliseconds: found - began,
    classificationMilliseconds: performance.now() - found,
  };
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  let reply: Reply;
  try {
    reply = data.kind === "start" ? await start(data) : analyse(data);
  } catch (error) {
    const reason = error instanceof ModelError ? error.message : String(error);
    reply = { kind: "failed", reason };
  }
  self.postMessage(reply);
};
