export { LceCore, ModelError, type Operator, type Pointer, type Window2d } from "./core.js";
export { Network, type Tensor } from "./network.js";
export { hasSimd } from "./simd.js";
export { type FileTensor, type ModelFile, readModel } from "./tflite.js";
