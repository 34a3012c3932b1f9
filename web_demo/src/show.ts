/** Shows the faces of an image: frames on it, and bars beside it. */
import { drawChart } from "./chart.js";
import { probabilities } from "./classifier.js";
import { centre } from "./geometry.js";
import { History } from "./history.js";
import type { Analyser } from "./network.js";
import type { Analysed, FoundFace } from "./protocol.js";
import { say, sayLabel } from "./strings.js";

/** Draws a frame, turned as its face is, and a number around each face. */
export function drawFrames(canvas: HTMLCanvasElement, faces: FoundFace[]): void {
  const context = canvas.getContext("2d")!;
  const unit = Math.max(canvas.width, canvas.height) / 400;
  context.lineWidth = 2 * unit;
  context.strokeStyle = "#ffd54a";
  context.font = `600 ${14 * unit}px system-ui, sans-serif`;
  for (const { number, box } of faces) {
    const text = String(number);
    const width = context.measureText(text).width + 8 * unit;
    const [x, y] = centre(box);
    context.save();
    context.translate(x, y);
    context.rotate((box.angle * Math.PI) / 180);
    context.translate(-box.side / 2, -box.side / 2);
    context.strokeRect(0, 0, box.side, box.side);
    // The number stays in sight where a frame reaches beyond the image.
    if (box.angle === 0) context.translate(Math.max(-box.left, 0), Math.max(-box.top, 0));
    context.fillStyle = "#ffd54a";
    context.fillRect(0, 0, width, 18 * unit);
    context.fillStyle = "#000";
    context.fillText(text, 4 * unit, 14 * unit);
    context.restore();
  }
}

/** Length of a score's bar, 0 to 1, as on the desktop. */
function scoreToBar(score: number): number {
  return Math.min(Math.max((score + 1) / 2, 0), 1);
}

/** What is shown of one face. */
class FaceCard {
  readonly section = document.createElement("section");
  private readonly heading = document.createElement("h2");
  private readonly list = document.createElement("ul");
  private readonly caption = document.createElement("p");
  private readonly history = new History();
  private readonly chart = document.createElement("canvas");
  private readonly rows: {
    item: HTMLElement;
    name: HTMLElement;
    length: HTMLElement;
    text: HTMLElement;
  }[];

  constructor(
    private readonly analyser: Analyser,
    isVideo: boolean,
  ) {
    this.chart.className = "chart";
    this.chart.setAttribute("role", "img");
    this.caption.className = "hint";
    this.rows = analyser.labels.map((label) => {
      const item = document.createElement("li");
      const [name, text] = [document.createElement("span"), document.createElement("span")];
      const [bar, length] = [document.createElement("div"), document.createElement("div")];
      bar.className = "bar";
      length.style.background = `var(--${label}, var(--accent))`;
      bar.append(length);
      item.append(name, bar, text);
      return { item, name, length, text };
    });
    this.list.setAttribute("role", "list"); // Safari forgets it where there are no bullets
    this.list.append(...this.rows.map(({ item }) => item));
    this.section.append(this.heading, this.list);
    if (isVideo) this.section.append(this.chart, this.caption);
  }

  /** Shows a face; `second`: when it was seen, or null if that is long past. */
  show(face: FoundFace, second: number | null): void {
    const { labels, temperature } = this.analyser;
    const values = temperature === null ? face.scores : probabilities(face.scores, temperature);
    const shares = temperature === null ? values.map(scoreToBar) : values;
    const best = values.indexOf(Math.max(...values));
    this.section.dataset["face"] = JSON.stringify({
      ...face,
      probabilities: temperature && values,
    });
    this.heading.textContent = say("face", {
      number: face.number,
      expression: sayLabel(labels[best]!),
    });
    this.caption.textContent = say("history");
    this.chart.setAttribute("aria-label", say("history"));
    for (const [index, { item, name, length, text }] of this.rows.entries()) {
      const value = values[index]!;
      item.className = index === best ? "best" : "";
      name.textContent = sayLabel(labels[index]!);
      length.style.width = `${100 * shares[index]!}%`;
      text.textContent = temperature === null ? value.toFixed(2) : `${(100 * value).toFixed(0)} %`;
    }
    if (second !== null && this.history.add(second, shares)) {
      drawChart(this.chart, labels, this.history.samples);
    }
  }

  /** Notes that the face is not there; says whether its history is over. */
  miss(second: number): boolean {
    this.history.interrupt();
    return this.history.isOver(second);
  }
}

/** The faces beside the image; in a video, each keeps its place as long as it is in sight. */
export class FaceCards {
  private cards = new Map<number, FaceCard>();
  private last: Analysed | null = null;

  constructor(private readonly analyser: Analyser) {}

  clear(): void {
    this.last = null;
    this.cards.clear();
    document.querySelector("#faces")!.replaceChildren();
  }

  /** Shows what was found; `second`: when, in a video; null for a photograph. */
  show(result: Analysed, second: number | null): void {
    if (second === null) this.cards.clear();
    this.last = result;
    const cards = result.faces.map((face) => {
      const card = this.cards.get(face.number) ?? new FaceCard(this.analyser, second !== null);
      this.cards.set(face.number, card);
      return card;
    });
    const container = document.querySelector("#faces")!;
    const sections = cards.map(({ section }) => section);
    const shown = [...container.children];
    if (shown.length !== sections.length || sections.some((section, i) => section !== shown[i])) {
      container.replaceChildren(...sections);
    }
    for (const [index, face] of result.faces.entries()) cards[index]!.show(face, second);
    if (second !== null) {
      for (const [number, card] of this.cards) {
        if (!cards.includes(card) && card.miss(second)) this.cards.delete(number);
      }
    }
    this.showTimes(result);
  }

  /** Says the same again, in the language that is now chosen. */
  translate(): void {
    if (this.last === null) return;
    for (const face of this.last.faces) this.cards.get(face.number)?.show(face, null);
    this.showTimes(this.last);
  }

  private showTimes({ detectionMilliseconds, classificationMilliseconds }: Analysed): void {
    document.querySelector("#times")!.textContent = say("times", {
      detection: detectionMilliseconds.toFixed(0),
      classification: classificationMilliseconds.toFixed(1),
      kernel: this.analyser.kernel,
    });
  }
}

/** The sentence about how many faces there are. */
export function countSentence(count: number): string {
  if (count === 0) return say("noFaces");
  return count === 1 ? say("oneFace") : say("manyFaces", { count });
}
