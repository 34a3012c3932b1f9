/** The camera, as a video that frames are drawn from. */
import { Problem } from "./network.js";
import { type Key, say } from "./strings.js";

/** What getUserMedia's errors mean. */
const REASONS: Record<string, Key> = {
  NotFoundError: "noCamera",
  OverconstrainedError: "noCamera",
  NotAllowedError: "cameraRefused",
  SecurityError: "cameraRefused",
};

/** One camera at a time. */
export class Camera {
  private stream: MediaStream | null = null;

  /** `onLost`: called if the camera ends of itself, as when it is unplugged. */
  constructor(private readonly onLost: () => void) {}

  get running(): boolean {
    return this.stream !== null;
  }

  /** Starts it; a Problem says why that failed. */
  async start(): Promise<HTMLVideoElement> {
    if (!window.isSecureContext) throw new Problem(say("cameraNeedsHttps"));
    if (!("mediaDevices" in navigator)) throw new Problem(say("noCamera"));
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } },
      });
      this.stream = stream;
      for (const track of stream.getTracks()) track.onended = this.onLost;
      video.srcObject = stream;
      await video.play();
    } catch (error) {
      this.stop();
      throw new Problem(say(REASONS[(error as Error).name] ?? "cameraFailed"));
    }
    return video;
  }

  stop(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }
}
