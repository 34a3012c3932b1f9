package org.ferlarq.demo

import android.view.TextureView
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.Executor
import org.ferlarq.demo.image.LumaImage
import org.ferlarq.demo.inference.ExpressionClassifier
import org.ferlarq.demo.inference.FaceBoxes
import org.ferlarq.demo.inference.FaceDetector
import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.live.Camera
import org.ferlarq.demo.live.Frame
import org.ferlarq.demo.live.Lens

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

    override fun detect(image: LumaImage, faces: FaceBoxes) {
        check(closed == 0) { "used after it was closed" }
        faces.clear()
        val width = image.uprightWidth
        for (i in this.faces.indices) {
            val (x, y, side) = this.faces[i]
            faces.add(x * width, y * width, side * width, width, image.uprightHeight)
        }
    }

    override fun close() {
        closed++
    }
}

/** A camera whose frames a test sends. */
class FakeCamera : Camera {
    override var lenses = setOf(Lens.FRONT, Lens.BACK)
    var opened: Lens? = null
    var listener: Camera.Listener? = null
    private var frames: ((Frame) -> Unit)? = null

    override fun open(
        lens: Lens,
        preview: TextureView,
        frames: (Frame) -> Unit,
        listener: Camera.Listener,
    ) {
        opened = lens
        this.frames = frames
        this.listener = listener
        listener.opened()
    }

    override fun close() {
        opened = null
    }

    /** Sends a frame of a portrait phone: landscape pixels that are to be turned. */
    fun send() = checkNotNull(frames) { "the camera was never opened" }(Frame(::greyFrame))
}

fun greyFrame(image: LumaImage) {
    image.reshape(640, 480, 640, rotation = 270)
    image.pixels.fill(128.toByte())
}

/** The app on fakes; its background work is done at once. */
class FakeFoundations : Foundations {
    override val camera = FakeCamera()
    override val background = Executor(Runnable::run)
    var cardFailure: IllegalArgumentException? = null
    var modelFailure: RuntimeException? = null
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
