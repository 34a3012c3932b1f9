/** The page: photographs by file, drag and paste, and the camera. */
import { Camera } from "./camera.js";
import { Analyser, Problem } from "./network.js";
import type { Analysed } from "./protocol.js";
import { countSentence, drawFrames, FaceCards } from "./show.js";
import { type Language, language, say, setLanguage } from "./strings.js";

// Larger images are shrunk, as on the desktop.
const MAX_SHORTER_SIDE = 1536;
const MAX_WORKING_PIXELS = 16_000_000;

function element<T extends HTMLElement>(id: string): T {
  return document.querySelector<T>(`#${id}`)!;
}
const canvas = element<HTMLCanvasElement>("picture");
const buffer = document.createElement("canvas"); // the image that the network looks at
const stage = element("stage");
const file = element<HTMLInputElement>("file");
const cameraButton = element<HTMLButtonElement>("camera");
const languages = element<HTMLSelectElement>("language");

let analyser: Analyser | null = null;
let cards: FaceCards | null = null;
let sentence = () => say("loading");
const camera = new Camera(() => {
  stopCamera();
  setStatus(() => say("cameraLost"));
});
let turn: Promise<unknown> = Promise.resolve(); // one image at a time

function setStatus(next: () => string): void {
  sentence = next;
  const [status, text] = [element("status"), sentence()];
  if (status.textContent !== text) status.textContent = text; // a screen reader says it once
}

function tell(error: unknown): void {
  const text = error instanceof Problem ? error.message : say("failed", { reason: String(error) });
  setStatus(() => text);
}

/** Runs one thing after the other; what goes wrong is told. */
function inTurn(work: () => Promise<void>): Promise<void> {
  const next = turn.then(work).catch(tell);
  turn = next;
  return next;
}

async function decode(content: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(content, { colorSpaceConversion: "none" });
  } catch {
    throw new Problem(say("badImage", { name }));
  }
}

/** Takes an image's pixels; what is transparent becomes white. */
function capture(source: CanvasImageSource, width: number, height: number): ImageData {
  const scale = Math.min(
    1,
    MAX_SHORTER_SIDE / Math.min(width, height),
    Math.sqrt(MAX_WORKING_PIXELS / (width * height)),
  );
  buffer.width = Math.max(Math.round(width * scale), 1);
  buffer.height = Math.max(Math.round(height * scale), 1);
  const context = buffer.getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, buffer.width, buffer.height);
  context.drawImage(source, 0, 0, buffer.width, buffer.height);
  return context.getImageData(0, 0, buffer.width, buffer.height);
}

/** Shows the image that was taken last. */
function showImage(): void {
  canvas.width = buffer.width;
  canvas.height = buffer.height;
  canvas.getContext("2d")!.drawImage(buffer, 0, 0);
  canvas.hidden = false;
}

/** `second`: when it was seen, in a video; null for a photograph. */
function show(result: Analysed, second: number | null): void {
  showImage();
  drawFrames(canvas, result.faces);
  cards?.show(result, second);
  setStatus(() => countSentence(result.faces.length));
}

function analysePhoto(content: Blob, name: string): void {
  stopCamera();
  void inTurn(async () => {
    if (analyser === null) return;
    setStatus(() => say("working"));
    cards?.clear();
    const bitmap = await decode(content, name);
    const image = capture(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
    showImage(); // finding its faces may take a moment
    show(await analyser.analyse(image, null), null);
  });
}

/** The first image among files; a sentence if there is none. */
function takeFiles(files: Iterable<File>): void {
  const [first] = files;
  if (first === undefined) setStatus(() => say("noImage"));
  else analysePhoto(first, first.name);
}

function stopCamera(): void {
  camera.stop();
  cameraButton.dataset["text"] = "startCamera";
  cameraButton.textContent = say("startCamera");
  cameraButton.setAttribute("aria-pressed", "false");
}

let isStarting = false; // the browser asks the user meanwhile

async function startCamera(): Promise<void> {
  if (isStarting) return;
  isStarting = true;
  const video = await camera.start().finally(() => {
    isStarting = false;
  });
  cameraButton.dataset["text"] = "stopCamera";
  cameraButton.textContent = say("stopCamera");
  cameraButton.setAttribute("aria-pressed", "true");
  void inTurn(async () => {
    if (analyser === null) return stopCamera();
    cards?.clear();
    for (let frame = 0; camera.running; ++frame) {
      // Shown with its frames only when these are known, so that they fit.
      const second = performance.now() / 1000;
      const image = capture(video, video.videoWidth, video.videoHeight);
      const result = await analyser.analyse(image, frame);
      if (camera.running) show(result, second); // else what was said of its end stays
      await new Promise(requestAnimationFrame);
    }
  });
}

element("choose").onclick = () => file.click();
file.onchange = () => {
  if (file.files?.length) takeFiles(file.files);
  file.value = "";
};
cameraButton.onclick = () => {
  if (camera.running) stopCamera();
  else startCamera().catch(tell);
};
document.ondragover = (event) => {
  event.preventDefault();
  stage.classList.toggle("over", event.dataTransfer?.types.includes("Files") ?? false);
};
document.ondragleave = () => stage.classList.remove("over");
document.ondrop = (event) => {
  event.preventDefault();
  stage.classList.remove("over");
  takeFiles(event.dataTransfer?.files ?? []);
};
document.onpaste = (event) => takeFiles(event.clipboardData?.files ?? []);
languages.onchange = () => {
  setLanguage(languages.value as Language);
  canvas.setAttribute("aria-label", say("picture"));
  setStatus(sentence);
  cards?.translate();
};

languages.value = language();
languages.onchange(new Event("change"));
void inTurn(async () => {
  analyser = await Analyser.start();
  cards = new FaceCards(analyser);
  const { simd } = analyser;
  setStatus(() => (simd ? say("ready") : say("noSimd")));
  performance.mark("ready");
  document.documentElement.dataset["ready"] = "";
});

/** Keeps the page in the browser. Without https there is no service worker: it is loaded each time. */
async function keep(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register(new URL("service_worker.js", document.baseURI));
  await navigator.serviceWorker.ready;
  element("kept").hidden = false;
}
if (import.meta.env.PROD) keep().catch(() => undefined);
