/** What the page says, in English and Chinese. */

const ENGLISH = {
  title: "Facial expressions with a 1-bit network",
  language: "Language",
  privacy: "Photographs and camera frames stay on this device: the network runs in this page.",
  choosePhoto: "Choose a photo",
  startCamera: "Use the camera",
  stopCamera: "Stop the camera",
  dropHint: "Or drag a photo here, or paste one.",
  limits:
    "The network was trained on FER2013 and is often wrong. It describes a picture of a face, not what a person feels.",
  loading: "Loading the network…",
  ready: "Ready.",
  working: "Looking for faces…",
  noFaces: "No face was found. Faces need at least 40 pixels.",
  oneFace: "One face was found.",
  manyFaces: "{count} faces were found.",
  face: "Face {number}: {expression}",
  picture: "The picture, with a frame around each face",
  history: "The last 30 seconds",
  kept: "The page is kept in this browser: it works without a connection, too.",
  times: "Detection {detection} ms, classification {classification} ms ({kernel}, one thread)",
  noWebAssembly:
    "This browser does not run WebAssembly: use a current Firefox, Chrome, Edge or Safari.",
  noSimd: "This browser has no WebAssembly SIMD: the network runs, but more slowly.",
  noFile: "The network could not be loaded: check the connection and load the page again.",
  badImage: "“{name}” is no image that this browser can open: export it as JPEG or PNG.",
  noImage: "What was pasted or dropped is no image.",
  noCamera: "No camera was found: connect one, or choose a photo.",
  cameraRefused: "The camera was refused: allow it in the browser's settings for this page.",
  cameraNeedsHttps:
    "The camera works only over https: open this page with https, or choose a photo.",
  cameraLost: "The camera is gone: connect it again, or choose a photo.",
  cameraFailed:
    "The camera could not be started: close other programs that use it, or choose a photo.",
  failed: "The network stopped ({reason}): load the page again.",
  angry: "angry",
  disgust: "disgust",
  fear: "fear",
  happy: "happy",
  sad: "sad",
  surprise: "surprise",
  neutral: "neutral",
};

export type Key = keyof typeof ENGLISH;

const CHINESE: Record<Key, string> = {
  title: "用 1 比特神经网络识别面部表情",
  language: "语言",
  privacy: "照片和摄像头画面不会离开本设备：网络就在此网页中运行。",
  choosePhoto: "选择照片",
  startCamera: "使用摄像头",
  stopCamera: "关闭摄像头",
  dropHint: "也可以把照片拖到这里，或直接粘贴。",
  limits: "该网络用 FER2013 训练，经常出错。它描述的是照片中的面孔，而不是人的真实感受。",
  loading: "正在加载网络……",
  ready: "已就绪。",
  working: "正在寻找面孔……",
  noFaces: "没有找到面孔。面孔至少要有 40 像素。",
  oneFace: "找到一张面孔。",
  manyFaces: "找到 {count} 张面孔。",
  face: "面孔 {number}：{expression}",
  picture: "图片，每张面孔带有方框",
  history: "最近 30 秒",
  kept: "此网页已保存在浏览器中：没有网络也能使用。",
  times: "检测 {detection} 毫秒，分类 {classification} 毫秒（{kernel}，单线程）",
  noWebAssembly: "此浏览器不能运行 WebAssembly：请使用新版 Firefox、Chrome、Edge 或 Safari。",
  noSimd: "此浏览器没有 WebAssembly SIMD：网络可以运行，但较慢。",
  noFile: "网络无法加载：请检查连接并重新加载网页。",
  badImage: "此浏览器无法打开图片“{name}”：请导出为 JPEG 或 PNG。",
  noImage: "粘贴或拖入的内容不是图片。",
  noCamera: "没有找到摄像头：请连接摄像头，或选择照片。",
  cameraRefused: "摄像头被拒绝：请在浏览器设置中允许此网页使用。",
  cameraNeedsHttps: "摄像头只能通过 https 使用：请用 https 打开此网页，或选择照片。",
  cameraLost: "摄像头已断开：请重新连接，或选择照片。",
  cameraFailed: "摄像头无法启动：请关闭其他正在使用它的程序，或选择照片。",
  failed: "网络已停止（{reason}）：请重新加载网页。",
  angry: "生气",
  disgust: "厌恶",
  fear: "恐惧",
  happy: "高兴",
  sad: "悲伤",
  surprise: "惊讶",
  neutral: "平静",
};

export type Language = "en" | "zh";

const LANGUAGES: Record<Language, Record<Key, string>> = { en: ENGLISH, zh: CHINESE };

let current: Language = navigator.language.startsWith("zh") ? "zh" : "en";

export function language(): Language {
  return current;
}

/** Changes the language of all that the page says of itself. */
export function setLanguage(chosen: Language): void {
  current = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-Hans" : "en";
  document.title = say("title");
  for (const element of document.querySelectorAll<HTMLElement>("[data-text]")) {
    element.textContent = say(element.dataset["text"] as Key);
  }
}

/** A sentence, with values for what stands in braces. */
export function say(key: Key, values: Record<string, string | number> = {}): string {
  return LANGUAGES[current][key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
}

/** A label of the model, translated if it is known. */
export function sayLabel(label: string): string {
  return label in ENGLISH ? say(label as Key) : label;
}
