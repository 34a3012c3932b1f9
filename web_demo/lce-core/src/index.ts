export { LceCore, ModelError, type Operator, type Pointer, type Window2d } from "./core.js";
export { Network, type Tensor } from "./network.js";
export { readModel, type FileTensor, type ModelFile } from "./tflite.js";
