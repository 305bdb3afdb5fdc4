/** @file Test runner settings: tests stand beside the file they test, cross-room tests in test/. */
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === 'slow' ? ['test/**/*.slow.ts'] : ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // tests that open models with plain ONNX Runtime send nothing either
    env: { ORT_DISABLE_TELEMETRY: '1' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: process.env.CI ? ['default', './tools/vitest-count-reporter.ts'] : ['default'],
  },
}));
