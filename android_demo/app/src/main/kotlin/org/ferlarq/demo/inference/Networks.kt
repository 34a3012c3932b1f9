package org.ferlarq.demo.inference

import android.content.res.AssetManager
import java.nio.ByteBuffer
import org.tensorflow.lite.TensorFlowLite

/** The app's models; tests put fakes in their place. Used from any thread. */
interface Networks {
    /** @throws IllegalArgumentException if the model says nothing of itself that can be read. */
    fun readCard(): ModelCard

    /** @throws RuntimeException if the model cannot be run. */
    fun openClassifier(card: ModelCard, threads: Int): ExpressionClassifier

    /** @throws RuntimeException if the detector cannot be run. */
    fun openDetector(threads: Int): FaceDetector
}

/**
 * Opens what turns images into faces and probabilities.
 *
 * @throws RuntimeException if that is not possible.
 */
fun Networks.openAnalyzer(): FaceAnalyzer {
    val card = readCard()
    val classifier = openClassifier(card, THREADS)
    val detector = try {
        openDetector(THREADS)
    } catch (error: RuntimeException) {
        classifier.close()
        throw error
    }
    return FaceAnalyzer(detector, classifier, card)
}

/** Threads of a network. Chosen, not measured: no phone has run this yet. */
const val THREADS = 2

/**
 * The models among the app's assets, on TensorFlow Lite; where its library does not load, as on some
 * phones with pages of 16 KiB, on lce_delegate's core and Android's face detector.
 *
 * @param loadTensorFlowLite throws a LinkageError where that is not possible.
 */
class AssetNetworks(
    private val assets: AssetManager,
    private val loadTensorFlowLite: () -> Unit = TensorFlowLite::init,
) : Networks {
    private val classifierModel by lazy { read("expressions.tflite") }
    private val detectorModel by lazy { read("faces.tflite") }

    private val hasTensorFlowLite by lazy {
        try {
            loadTensorFlowLite()
            true
        } catch (_: LinkageError) { // which is no RuntimeException
            false
        }
    }

    override fun readCard() = ModelCard.of(classifierModel)

    override fun openClassifier(card: ModelCard, threads: Int): ExpressionClassifier =
        if (hasTensorFlowLite) {
            TfliteClassifier(classifierModel, card, threads)
        } else {
            openCoreClassifier(card)
        }

    private fun openCoreClassifier(card: ModelCard) = try {
        CoreClassifier(classifierModel, card)
    } catch (error: LinkageError) {
        throw IllegalStateException(error)
    }

    override fun openDetector(threads: Int): FaceDetector =
        if (hasTensorFlowLite) {
            FaceSearch(BlazeFace(detectorModel, threads), System::nanoTime)
        } else {
            PlatformFaceDetector()
        }

    private fun read(name: String): ByteBuffer {
        val content = assets.open(name).use { it.readBytes() }
        val buffer = ByteBuffer.allocateDirect(content.size)
        buffer.put(content)
        buffer.restart()
        return buffer
    }
}
