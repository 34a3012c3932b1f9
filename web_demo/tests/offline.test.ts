/** Once loaded, the page works without a connection. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sizes } from "../tools/benchmark.js";
import { launch, newPage, ready, serve, waitForStatus } from "../tools/browser.js";
import { path } from "./expected.js";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

test("the server is gone and the network is cut off: the page loads and classifies", async () => {
  const served = await serve();
  const page = await newPage(browser);
  await page.goto(served.origin);
  await ready(page);
  await page.getByText("works without a connection").waitFor();
  await served.stop();
  await page.context().setOffline(true);
  expect(await page.evaluate(() => fetch("other").then(String, () => "cut off"))).toBe("cut off");

  await page.reload();
  await ready(page);
  await page.setInputFiles("#file", path("turned_0.png"));
  await waitForStatus(page, "One face was found.");
  expect(await page.locator("#faces h2").allTextContents()).toEqual(["Face 1: happy"]);
});

test("without a service worker, and without a connection, there is no page", async () => {
  const served = await serve();
  const page = await newPage(browser, { serviceWorkers: "block" });
  await page.goto(served.origin);
  await ready(page);
  await served.stop();
  await page.context().setOffline(true);
  await expect(page.reload()).rejects.toThrow();
});

test("all that is kept has less than 4 MB with gzip", () => {
  const parts = sizes();
  expect(parts.length).toBeGreaterThan(6);
  expect(parts.reduce((sum, { gzip }) => sum + gzip, 0)).toBeLessThan(4_000_000);
});
