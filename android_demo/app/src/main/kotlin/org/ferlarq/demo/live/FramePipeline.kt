package org.ferlarq.demo.live

import java.util.concurrent.Executor
import java.util.concurrent.atomic.AtomicBoolean
import org.ferlarq.demo.camera.Frame
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.FaceAnalyzer

/**
 * From a camera's frames to readings. At most one frame is in work; those that come meanwhile are
 * dropped, never queued. A frame costs no memory but for the reading that is published.
 *
 * @param executor runs the work, one frame after the other.
 * @param nanoTime a clock, for the frame rate.
 * @param publish called on the executor's thread.
 * @param fail called once, if a frame could not be analyzed; nothing is analyzed afterwards.
 */
class FramePipeline(
    private val analyzer: FaceAnalyzer,
    private val executor: Executor,
    private val nanoTime: () -> Long,
    private val publish: (LiveReading) -> Unit,
    private val fail: (RuntimeException) -> Unit,
) {
    private val busy = AtomicBoolean()
    private val image = LumaImage()
    private val tracks = FaceTracks(analyzer.labels.size)
    private val pace = Pace()
    private val work = Runnable(::analyzeFrame)
    private var first = true

    @Volatile private var closed = false

    /** Takes a frame in, or drops it and returns false. */
    fun offer(frame: Frame): Boolean {
        if (closed || !busy.compareAndSet(false, true)) return false
        try {
            frame.copyInto(image)
        } catch (error: RuntimeException) { // such as an image that the system took back
            end(error)
            return false
        }
        executor.execute(work)
        return true
    }

    private fun analyzeFrame() {
        if (closed) return
        try {
            if (first) analyzer.reset()
            first = false
            val start = nanoTime()
            tracks.begin()
            val faces = analyzer.analyzeNext(image, tracks)
            pace.frame(start, analyzer.detectionTime, analyzer.classificationTime, faces)
            publish(
                LiveReading(
                    image.uprightWidth,
                    image.uprightHeight,
                    tracks.faces(),
                    pace.framesPerSecond,
                    pace.detection / 1e6f,
                    pace.classification / 1e6f,
                ),
            )
            busy.set(false)
        } catch (error: RuntimeException) {
            end(error)
        }
    }

    private fun end(error: RuntimeException) {
        if (closed) return
        close()
        fail(error)
    }

    /** Frames that come from now on are dropped. One may be in work still, on the executor. */
    fun close() {
        closed = true
    }
}

/** Frame rate and times of a frame, evened out over some frames. Times in nanoseconds. */
private class Pace {
    var framesPerSecond = 0f
        private set
    var detection = 0f
        private set

    /** Of one face. */
    var classification = 0f
        private set
    private var last = 0L

    fun frame(start: Long, detectionTime: Long, classificationTime: Long, faces: Int) {
        if (last != 0L && start > last) framesPerSecond = towards(framesPerSecond, 1e9f / (start - last))
        last = start
        detection = towards(detection, detectionTime.toFloat())
        if (faces > 0) classification = towards(classification, classificationTime.toFloat() / faces)
    }

    private fun towards(old: Float, new: Float) = if (old == 0f) new else old + (new - old) / 8
}
