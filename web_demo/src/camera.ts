/** The camera, as a video that frames are drawn from. */
import { Problem } from "./network.js";
import { say, type Key } from "./strings.js";

/** What getUserMedia's errors mean. */
const REASONS: Record<string, Key> = {
  NotFoundError: "noCamera",
  OverconstrainedError: "noCamera",
  NotAllowedError: "cameraRefused",
  SecurityError: "cameraRefused",
};

export class Camera {
  private stream: MediaStream | null = null;

  get running(): boolean {
    return this.stream !== null;
  }

  /** Starts it; a Problem says why that failed. */
  async start(): Promise<HTMLVideoElement> {
    if (!("mediaDevices" in navigator)) throw new Problem(say("noCamera"));
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } },
      });
      video.srcObject = stream;
      await video.play();
      this.stream = stream;
    } catch (error) {
      throw new Problem(say(REASONS[(error as Error).name] ?? "cameraFailed"));
    }
    return video;
  }

  stop(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }
}
