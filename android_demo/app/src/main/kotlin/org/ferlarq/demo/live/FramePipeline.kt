package org.ferlarq.demo.live

import java.io.Closeable
import java.util.concurrent.Executor
import java.util.concurrent.atomic.AtomicBoolean
import org.ferlarq.demo.image.AreaReduction
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.ExpressionClassifier
import org.ferlarq.demo.inference.FACE_SIZE
import org.ferlarq.demo.inference.FaceBoxes
import org.ferlarq.demo.inference.FaceDetector
import org.ferlarq.demo.inference.sharesOf

/** Copies a camera's frame into an image that is used again and again. */
fun interface Frame {
    fun copyInto(image: LumaImage)
}

/**
 * From frames to readings. At most one frame is in work; those that come meanwhile are dropped,
 * never queued. A frame costs no memory but for the reading that is published.
 *
 * @param executor runs the work, one frame after the other.
 * @param nanoTime a clock, for the times that are shown.
 * @param publish called on the executor's thread.
 * @param fail called once, if a frame could not be read; nothing is read afterwards.
 */
class FramePipeline(
    private val detector: FaceDetector,
    private val classifier: ExpressionClassifier,
    private val executor: Executor,
    private val nanoTime: () -> Long,
    private val publish: (LiveReading) -> Unit,
    private val fail: (RuntimeException) -> Unit,
) : Closeable {
    private val busy = AtomicBoolean()
    private val image = LumaImage()
    private val reduction = AreaReduction()
    private val face = ByteArray(FACE_SIZE * FACE_SIZE)
    private val scores = FloatArray(classifier.labels.size)
    private val shares = FloatArray(classifier.labels.size)
    private val boxes = FaceBoxes()
    private val tracks = FaceTracks(classifier.labels.size)
    private val pace = Pace()
    private val work = Runnable(::readFrame)

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

    private fun readFrame() {
        if (closed) return
        try {
            val start = nanoTime()
            detector.detect(image, boxes)
            val detected = nanoTime()
            tracks.begin()
            for (i in 0 until boxes.count) {
                val size = boxes.size[i]
                reduction.reduce(image, boxes.left[i], boxes.top[i], size, size, face, FACE_SIZE, FACE_SIZE)
                classifier.classify(face, scores)
                sharesOf(scores, shares)
                tracks.add(boxes.left[i], boxes.top[i], size, shares)
            }
            pace.frame(start, detected - start, nanoTime() - detected, boxes.count)
            publish(tracks.reading(image.uprightWidth, image.uprightHeight, pace))
            busy.set(false)
        } catch (error: RuntimeException) {
            end(error)
        }
    }

    private fun end(error: RuntimeException) {
        close()
        fail(error)
    }

    /** Frees the networks, behind the frame in work. Frames that come later are dropped. */
    override fun close() {
        if (closed) return
        closed = true
        executor.execute {
            classifier.close()
            detector.close()
        }
    }
}

/** Frame rate and times, evened out over some frames. Times in nanoseconds. */
class Pace {
    var framesPerSecond = 0f
        private set
    var detection = 0f
        private set
    var reading = 0f
        private set
    private var last = 0L

    fun frame(start: Long, detectionTime: Long, readingTime: Long, faces: Int) {
        if (last != 0L && start > last) framesPerSecond = towards(framesPerSecond, 1e9f / (start - last))
        last = start
        detection = towards(detection, detectionTime.toFloat())
        if (faces > 0) reading = towards(reading, readingTime.toFloat() / faces)
    }

    private fun towards(old: Float, new: Float) = if (old == 0f) new else old + (new - old) / 8
}
