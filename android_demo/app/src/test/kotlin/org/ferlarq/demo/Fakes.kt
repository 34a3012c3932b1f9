package org.ferlarq.demo

import java.io.Closeable
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.Executor
import org.ferlarq.demo.camera.CameraFailure
import org.ferlarq.demo.camera.Cameras
import org.ferlarq.demo.camera.Frame
import org.ferlarq.demo.camera.Lens
import org.ferlarq.demo.camera.Preview
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.ExpressionClassifier
import org.ferlarq.demo.inference.FaceBoxes
import org.ferlarq.demo.inference.FaceDetector
import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.inference.Networks

val LABELS = listOf("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

/** The folder that build.py works in. */
val buildFolder = File(System.getProperty("demo.build")!!)

/** Content of one of the app's assets in a direct buffer. */
fun asset(name: String): ByteBuffer {
    val content = File(buildFolder, "assets/$name").readBytes()
    return ByteBuffer.allocateDirect(content.size).apply {
        put(content)
        rewind()
    }
}

/** Gives every face the same scores, happy first, or those that a test sets. */
class FakeClassifier(override val labels: List<String> = LABELS) : ExpressionClassifier {
    var answer = floatArrayOf(-1f, -2f, -1.5f, 2f, -1f, 0.5f, 0f)
    var failure: RuntimeException? = null
    var calls = 0
    var closed = 0

    override fun classify(face: ByteArray, scores: FloatArray) {
        check(closed == 0) { "used after it was closed" }
        failure?.let { throw it }
        calls++
        answer.copyInto(scores)
    }

    override fun close() {
        closed++
    }
}

/** Finds squares where a test puts them. */
class FakeDetector : FaceDetector {
    /** Centre x, centre y and side of each face, as shares of the image's width. */
    var faces: List<FloatArray> = listOf(floatArrayOf(0.5f, 0.6f, 0.5f))
    var closed = 0
    var resets = 0

    override fun find(image: LumaImage, faces: FaceBoxes) {
        check(closed == 0) { "used after it was closed" }
        faces.clear()
        val width = image.uprightWidth
        for (i in this.faces.indices) {
            val (x, y, side) = this.faces[i]
            faces.add(x * width, y * width, side * width)
        }
    }

    override fun findNext(image: LumaImage, faces: FaceBoxes) = find(image, faces)

    override fun reset() {
        resets++
    }

    override fun close() {
        closed++
    }
}

/** Cameras whose frames a test sends. One window at a time has one, as on a phone. */
class FakeCameras : Cameras {
    var lenses = setOf(Lens.FRONT, Lens.BACK)

    /** What opening a camera ends in; null if it opens. */
    var failure: CameraFailure? = null
    var opened: Lens? = null
    var starts = 0
    private var frames: ((Frame) -> Unit)? = null
    private var listener: Cameras.Listener? = null
    private var session: Any? = null
    private val waiting = mutableListOf<() -> Unit>()

    override fun open(
        wish: Lens?,
        preview: Preview,
        frames: (Frame) -> Unit,
        listener: Cameras.Listener,
    ): Closeable {
        starts++
        this.listener?.failed(CameraFailure.IN_OTHER_WINDOW)
        val lens = wish?.takeIf { it in lenses } ?: lenses.maxOrNull()
        val failure = failure ?: CameraFailure.NONE_THERE.takeIf { lens == null }
        if (failure != null) {
            listener.failed(failure)
            return Closeable {}
        }
        val session = Any()
        this.session = session
        this.frames = frames
        this.listener = listener
        opened = lens
        listener.opened(checkNotNull(lens), lenses.size > 1)
        return Closeable { if (this.session === session) end() }
    }

    private fun end() {
        opened = null
        session = null
        listener = null
    }

    override fun whenFree(action: () -> Unit): Closeable {
        waiting += action
        return Closeable { waiting -= action }
    }

    /** Ends the session as the system does. */
    fun fail(failure: CameraFailure) {
        val told = checkNotNull(listener)
        end()
        told.failed(failure)
    }

    /** The other app or window has closed the camera. */
    fun becomeFree() = waiting.toList().forEach { it() }

    /** Sends a frame of a portrait phone: landscape pixels that are to be turned. */
    fun send(frame: Frame = Frame(::greyFrame)) = checkNotNull(frames) { "the camera was never opened" }(frame)
}

fun greyFrame(image: LumaImage) {
    image.reshape(640, 480, 640, rotation = 270)
    image.pixels.fill(128.toByte())
}

class FakeNetworks : Networks {
    var cardFailure: IllegalArgumentException? = null
    var modelFailure: Throwable? = null
    val detectors = mutableListOf<FakeDetector>()
    val classifiers = mutableListOf<FakeClassifier>()
    var faces: List<FloatArray>? = null

    override fun readCard(): ModelCard {
        cardFailure?.let { throw it }
        return ModelCard.of(asset("expressions.tflite"))
    }

    override fun openClassifier(card: ModelCard, threads: Int): ExpressionClassifier {
        modelFailure?.let { throw it }
        return FakeClassifier(card.labels).also(classifiers::add)
    }

    override fun openDetector(threads: Int): FaceDetector =
        FakeDetector().also { detector ->
            faces?.let { detector.faces = it }
            detectors += detector
        }
}

/** Keeps work until a test runs it. */
class Queue : Executor {
    private val waiting = ArrayDeque<Runnable>()
    val size get() = waiting.size

    override fun execute(work: Runnable) {
        waiting += work
    }

    fun runAll() {
        while (waiting.isNotEmpty()) waiting.removeFirst().run()
    }
}

/** The app on fakes; its work beside the main thread is done at once, unless a test sees to it. */
class FakeFoundations : Foundations {
    val fakes = FakeNetworks()
    override var networks: Networks = fakes
    override val cameras = FakeCameras()
    override var frames = Executor(Runnable::run)
    override var background = Executor(Runnable::run)
    override var measuring = Executor(Runnable::run)
}
