/** Keyboard and screen reader. */
import axe from "axe-core";
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
import { path } from "./expected.js";

let served: Served;
let browser: Browser;

beforeAll(async () => {
  served = await serve();
  browser = await launch(cameraFlags(path("film.y4m")));
});

afterAll(async () => {
  await browser.close();
  await served.stop();
});

async function open(options: Parameters<typeof newPage>[1]): Promise<Page> {
  const page = await newPage(browser, options);
  await page.goto(served.origin);
  await ready(page);
  return page;
}

/** What axe-core complains of, in lines. */
async function complaints(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document),
  );
  expect(passes.length).toBeGreaterThan(10);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

test.each([
  ["light", "en-GB", 1280],
  ["dark", "en-GB", 1280],
  ["light", "zh-CN", 390],
  ["dark", "zh-CN", 390],
] as const)("axe-core has no complaint: %s, %s, %i pixels", async (colorScheme, locale, width) => {
  const page = await open({ colorScheme, locale, viewport: { width, height: 844 } });
  expect(await complaints(page)).toEqual([]);
  await page.setInputFiles("#file", path("two.png"));
  await page.locator("#faces section").nth(1).waitFor();
  expect(await complaints(page)).toEqual([]);
  if (locale === "en-GB") {
    await page.click("#camera");
    await page.locator("#faces canvas").waitFor();
    await page.click("#camera");
    expect(await complaints(page)).toEqual([]);
  }
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBe(0);
  await page.context().close();
});

test("all of it by keyboard, in the order of the page", async () => {
  const page = await open({});
  const focused = () => page.evaluate(() => document.activeElement?.id);
  const outline = () =>
    page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle !== "none");
  for (const id of ["language", "choose", "camera"]) {
    await page.keyboard.press("Tab");
    expect([await focused(), await outline()]).toEqual([id, true]);
  }
  await page.keyboard.press("Space");
  await page.locator("#faces h2", { hasText: "happy" }).waitFor();
  expect(await focused()).toBe("camera"); // frames that come in do not take the focus away
  await page.keyboard.press("Space");
  expect(await page.locator("#camera").getAttribute("aria-pressed")).toBe("false");

  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Shift+Tab");
  expect(await focused()).toBe("choose");
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(path("two.png"));
  await waitForStatus(page, "2 faces were found.");

  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("ArrowDown");
  expect(await page.locator("h1").textContent()).toContain("面部表情");
  expect(await page.locator("html").getAttribute("lang")).toBe("zh-Hans");
  await page.context().close();
});

test("a screen reader gets names, roles and what happened", async () => {
  const page = await open({});
  await page.setInputFiles("#file", path("turned_0.png"));
  await waitForStatus(page, "One face was found.");
  const tree = await page.locator("body").ariaSnapshot();
  for (const line of [
    'heading "Facial expressions with a 1-bit network" [level=1]',
    'combobox "Language"',
    'button "Choose a photo"',
    'button "Use the camera"',
    'img "The picture, with a frame around each face"',
    "status: One face was found.",
    'heading "Face 1: happy" [level=2]',
  ]) {
    expect(tree).toContain(line);
  }
  // Each bar is also a text.
  expect(await page.getByRole("listitem").allInnerTexts()).toHaveLength(7);
  expect(await page.getByRole("listitem", { name: "" }).nth(3).textContent()).toMatch(
    /happy\s*[\d.]+/,
  );
  await page.context().close();
});

test("while the camera runs, the status is not said again for each frame", async () => {
  const page = await open({});
  await page.click("#camera");
  await waitForStatus(page, "One face was found.");
  const changes = await page.evaluate(async () => {
    let count = 0;
    const observer = new MutationObserver((records) => {
      count += records.length;
    });
    observer.observe(document.querySelector("#status")!, { childList: true, subtree: true });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return count;
  });
  expect(changes).toBe(0);
  await page.context().close();
});
