/** Photographs and the camera, in Chromium; and that nothing is sent anywhere. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  cameraFlags,
  launch,
  newPage,
  ready,
  type Served,
  serve,
  waitForStatus,
} from "../tools/browser.js";
import { path, write } from "./expected.js";

let served: Served;
let browser: Browser;
let proxy: Server;
/** What was asked of the world outside this machine: it all goes to a proxy that only takes notes. */
const outside: string[] = [];
/** What the pages asked for, service workers included. */
const asked: string[] = [];
/** What the page said of each photograph: number, box, scores, probabilities of each face. */
const said: Record<string, unknown> = {};

beforeAll(async () => {
  proxy = createServer((request, response) => {
    outside.push(request.url ?? "");
    response.writeHead(502).end();
  });
  proxy.on("connect", (request, socket) => {
    outside.push(request.url ?? "");
    socket.end("HTTP/1.1 502 no\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  served = await serve();
  browser = await launch([...cameraFlags(path("film.y4m")), `--proxy-server=127.0.0.1:${port}`]);
});

afterAll(async () => {
  await browser.close();
  await served.stop();
  proxy.close();
});

async function open(script?: string): Promise<Page> {
  const page = await newPage(browser);
  page.context().on("request", (request) => asked.push(request.url()));
  if (script !== undefined) await page.addInitScript(script);
  await page.goto(served.origin);
  await ready(page);
  return page;
}

const faces = (page: Page) =>
  page.$$eval("#faces section", (sections) =>
    sections.map((section) => JSON.parse((section as HTMLElement).dataset["face"]!)),
  );
const headings = (page: Page) => page.locator("#faces h2").allTextContents();

test("photographs by file: upright, turned, two faces", async () => {
  const page = await open();
  for (const name of ["turned_0", "turned_30", "turned_90", "turned_180"]) {
    await page.setInputFiles("#file", path(`${name}.png`));
    await waitForStatus(page, "One face was found.");
    expect(await headings(page)).toEqual(["Face 1: happy"]);
    said[name] = await faces(page);
    expect(await page.locator("#faces canvas").count()).toBe(0); // there is no history of one moment
  }
  await page.setInputFiles("#file", path("two.png"));
  await waitForStatus(page, "2 faces were found.");
  said["two"] = await faces(page);
  await page.selectOption("#language", "zh");
  expect(await headings(page)).toEqual(["面孔 1：高兴", "面孔 2：高兴"]);
  await page.context().close();
});

test("a photograph by paste, and one that is dragged into the page", async () => {
  const page = await open();
  await page.evaluate(
    (values) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(values)], "image.png", { type: "image/png" }));
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
    },
    Array.from(readFileSync(path("turned_0.png"))),
  );
  await waitForStatus(page, "One face was found.");
  said["pasted"] = await faces(page);

  // As the system drags a file into the browser's window.
  const { x, y, width } = (await page.locator("#stage").boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const drag = (type: "dragEnter" | "dragOver" | "drop") =>
    session.send("Input.dispatchDragEvent", {
      type,
      x: x + width / 2,
      y: y + 30,
      data: { items: [], files: [path("two.png")], dragOperationsMask: 1 },
    });
  const marked = page.locator("#stage.over");
  await drag("dragEnter");
  await drag("dragOver");
  await marked.waitFor();
  await page.dispatchEvent("#stage", "dragleave");
  await marked.waitFor({ state: "detached" });
  await drag("dragEnter");
  await drag("dragOver");
  await marked.waitFor();
  await drag("drop");
  await waitForStatus(page, "2 faces were found.");
  expect(await marked.count()).toBe(0);
  said["dragged"] = await faces(page);
  await page.context().close();
});

/** How far to the left the chart's strongest line goes, in seconds before now. */
const secondsDrawn = (page: Page) =>
  page.$eval("#faces canvas", (element) => {
    const canvas = element as HTMLCanvasElement;
    const { data, width, height } = canvas
      .getContext("2d")!
      .getImageData(0, 0, canvas.width, canvas.height);
    for (let x = 0; x < width; ++x) {
      for (let y = 0; y < height; ++y) {
        // The lines of the labels are opaque and coloured, those of the grid are grey.
        const [red, green, blue, alpha] = data.subarray(
          4 * (y * width + x),
          4 * (y * width + x) + 4,
        );
        if (alpha! > 200 && Math.max(red!, green!, blue!) - Math.min(red!, green!, blue!) > 60) {
          return 30 * (1 - x / width);
        }
      }
    }
    return 0;
  });

test("the camera's face is found and happy, and its last seconds are drawn", async () => {
  const page = await open();
  const began = Date.now();
  await page.click("#camera");
  await page.locator("#faces h2", { hasText: "Face 1: happy" }).waitFor();
  expect(await page.locator("#camera").getAttribute("aria-pressed")).toBe("true");
  const first = await secondsDrawn(page);
  await page.waitForFunction(
    (text) => document.querySelector("#faces section")?.getAttribute("data-face") !== text,
    await page.locator("#faces section").getAttribute("data-face"),
  );
  await page.waitForTimeout(3000);
  const later = await secondsDrawn(page);
  // The line grows as time goes by; how many frames come meanwhile is the machine's affair.
  expect(later).toBeGreaterThan(first);
  expect(later).toBeLessThan((Date.now() - began) / 1000 + 1);
  await page.click("#camera");
  expect(await page.locator("#camera").textContent()).toBe("Use the camera");
  await page.context().close();
});

test("a model with a temperature gets probabilities, in percent", async () => {
  const page = await newPage(browser, { serviceWorkers: "block" });
  await page.route(/bdnn.*tflite/, (route) => route.fulfill({ path: path("calibrated.tflite") }));
  await page.goto(served.origin);
  await ready(page);
  await page.setInputFiles("#file", path("turned_0.png"));
  await waitForStatus(page, "One face was found.");
  const texts = await page.locator("#faces li span:last-child").allTextContents();
  const sum = texts.reduce((total, text) => total + Number(/^(\d+) %$/.exec(text)![1]), 0);
  expect(Math.abs(sum - 100)).toBeLessThan(4);
  said["calibrated"] = await faces(page);
  await page.context().close();
});

test("without SIMD the portable module runs and gets the same scores", async () => {
  const page = await open("WebAssembly.validate = () => false;");
  await waitForStatus(page, "no WebAssembly SIMD");
  await page.setInputFiles("#file", path("turned_0.png"));
  await waitForStatus(page, "One face was found.");
  said["portable"] = await faces(page);
  expect(await page.locator("#times").textContent()).toContain("portable");
  await page.context().close();
});

test("another origin is refused by the page's policy, and none was asked", async () => {
  const page = await open();
  const violation = await page.evaluate(async () => {
    const told = new Promise<string>((resolve) => {
      document.addEventListener("securitypolicyviolation", (event) =>
        resolve(event.violatedDirective),
      );
    });
    const sent = await fetch("http://example.org/").then(
      () => "sent",
      () => "refused",
    );
    return [sent, await told];
  });
  expect(violation).toEqual(["refused", "connect-src"]);
  const inWorker = await page.evaluate(async () => {
    const code = `fetch("http://example.org/").catch(() => 0);
      self.addEventListener("securitypolicyviolation", (e) => postMessage(e.violatedDirective));`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    return new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
  });
  expect(inWorker).toBe("connect-src");
  await page.context().close();
  const allowed = [served.origin, "blob:", "data:"];
  const elsewhere = asked.filter((url) => !allowed.some((begin) => url.startsWith(begin)));
  expect(asked.length).toBeGreaterThan(20);
  expect(elsewhere.filter((url) => url !== "http://example.org/")).toEqual([]);
  const browsersOwn = /^(https?:\/\/)?[a-z.]+\.(google|googleapis|gvt1)\.com(:443)?(\/|$)/;
  expect(outside.filter((address) => !browsersOwn.test(address))).toEqual([]);
  write("said.json", said);
});
