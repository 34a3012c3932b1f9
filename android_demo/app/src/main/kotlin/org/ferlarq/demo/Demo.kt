package org.ferlarq.demo

import android.app.Application
import android.content.Context
import java.nio.ByteBuffer
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import org.ferlarq.demo.inference.BlazeFaceDetector
import org.ferlarq.demo.inference.ExpressionClassifier
import org.ferlarq.demo.inference.FaceDetector
import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.inference.TfliteClassifier
import org.ferlarq.demo.inference.restart
import org.ferlarq.demo.live.AndroidCamera
import org.ferlarq.demo.live.Camera

/** What the screens stand on; tests put fakes in its place. */
interface Foundations {
    val camera: Camera

    /** Runs all work that takes time, one piece after the other. */
    val background: Executor

    /** @throws IllegalArgumentException if the model says nothing of itself that can be read. */
    fun readCard(): ModelCard

    /** @throws RuntimeException if the model cannot be run. */
    fun openClassifier(card: ModelCard, threads: Int): ExpressionClassifier

    /** @throws RuntimeException if the model cannot be run. */
    fun openDetector(threads: Int): FaceDetector
}

/** The real ones: the phone's camera, and the models among the app's assets. */
class RealFoundations(private val context: Context) : Foundations {
    override val camera by lazy { AndroidCamera(context) }
    override val background: Executor = Executors.newSingleThreadExecutor()

    private val classifierModel by lazy { asset("expressions.tflite") }
    private val detectorModel by lazy { asset("faces.tflite") }

    override fun readCard() = ModelCard.of(classifierModel)

    override fun openClassifier(card: ModelCard, threads: Int) =
        TfliteClassifier(classifierModel, card, threads)

    override fun openDetector(threads: Int) = BlazeFaceDetector(detectorModel, threads)

    private fun asset(name: String): ByteBuffer {
        val content = context.assets.open(name).use { it.readBytes() }
        val buffer = ByteBuffer.allocateDirect(content.size)
        buffer.put(content)
        buffer.restart()
        return buffer
    }
}

class Demo : Application() {
    var foundations: Foundations = RealFoundations(this)
}

/** Threads of a reading. Chosen, not measured: no phone has run this yet. */
const val THREADS = 2
