/** Shows the faces of an image: frames on it, and bars beside it. */
import { probabilities } from "./classifier.js";
import { round } from "./image.js";
import type { Analyser } from "./network.js";
import type { Analysed, FoundFace } from "./protocol.js";
import { say, sayLabel } from "./strings.js";

/** Draws a frame and a number around each face. */
export function drawFrames(canvas: HTMLCanvasElement, faces: FoundFace[]): void {
  const context = canvas.getContext("2d")!;
  const unit = Math.max(canvas.width, canvas.height) / 400;
  context.lineWidth = 2 * unit;
  context.strokeStyle = "#ffd54a";
  context.font = `600 ${14 * unit}px system-ui, sans-serif`;
  for (const [index, { box }] of faces.entries()) {
    context.strokeRect(box.left, box.top, box.side, box.side);
    const text = String(index + 1);
    const width = context.measureText(text).width + 8 * unit;
    const [x, y] = [Math.max(box.left, 0), Math.max(box.top, 0)];
    context.fillStyle = "#ffd54a";
    context.fillRect(x, y, width, 18 * unit);
    context.fillStyle = "#000";
    context.fillText(text, x + 4 * unit, y + 14 * unit);
  }
}

/** Length of a score's bar, 0 to 1, as on the desktop. */
function scoreToBar(score: number): number {
  return Math.min(Math.max((score + 1) / 2, 0), 1);
}

function faceSection(analyser: Analyser, face: FoundFace, number: number): HTMLElement {
  const { labels, temperature } = analyser;
  const values = temperature === null ? face.scores : probabilities(face.scores, temperature);
  const best = values.indexOf(Math.max(...values));
  const section = document.createElement("section");
  section.dataset.box = [face.box.left, face.box.top, face.box.side].map(round).join();
  const heading = document.createElement("h2");
  heading.textContent = say("face", { number, expression: sayLabel(labels[best]!) });
  const list = document.createElement("ul");
  for (const [index, value] of values.entries()) {
    const item = document.createElement("li");
    item.className = index === best ? "best" : "";
    item.dataset.score = String(face.scores[index]);
    const [name, bar, length, text] = ["span", "div", "div", "span"].map((tag) =>
      document.createElement(tag),
    );
    name!.textContent = sayLabel(labels[index]!);
    bar!.className = "bar";
    length!.style.width = `${100 * (temperature === null ? scoreToBar(value) : value)}%`;
    bar!.append(length!);
    text!.textContent =
      temperature === null ? value.toFixed(2) : `${(100 * value).toFixed(0)} %`;
    item.append(name!, bar!, text!);
    list.append(item);
  }
  section.append(heading, list);
  return section;
}

/** Replaces the faces that are shown. */
export function showFaces(analyser: Analyser, result: Analysed): void {
  const sections = result.faces.map((face, index) => faceSection(analyser, face, index + 1));
  document.querySelector("#faces")!.replaceChildren(...sections);
  document.querySelector("#times")!.textContent = say("times", {
    detection: result.detectionMilliseconds.toFixed(0),
    classification: result.classificationMilliseconds.toFixed(1),
    kernel: analyser.kernel,
  });
}

/** The sentence about how many faces there are. */
export function countSentence(count: number): string {
  if (count === 0) return say("noFaces");
  return count === 1 ? say("oneFace") : say("manyFaces", { count });
}
