import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./", // the page may lie in any folder of a server
  assetsInclude: ["**/*.tflite"],
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: false,
  },
  server: { fs: { allow: [".."] } },
  test: { include: ["tests/*.test.ts"], testTimeout: 300_000, hookTimeout: 120_000 },
});
