package org.ferlarq.demo.inference

import java.io.Closeable
import kotlin.math.exp
import org.ferlarq.demo.image.ContrastStretch
import org.ferlarq.demo.image.FaceBox
import org.ferlarq.demo.image.FaceCutter
import org.ferlarq.demo.image.LumaImage

/** A face and the probabilities of its expressions, 0 to 1, one for each label. */
class Face(val box: FaceBox, val probabilities: FloatArray) {
    /** Index of the most probable label. */
    val best: Int get() = probabilities.indices.maxByOrNull { probabilities[it] } ?: 0
}

/** Takes the faces of an image, the largest first. What it is given is used again afterwards. */
fun interface FaceSink {
    fun add(left: Int, top: Int, size: Int, angle: Int, probabilities: FloatArray)
}

/**
 * From an image to its faces and the probabilities of their expressions. A frame of a stream costs
 * no memory. Used by one thread at a time.
 *
 * @param nanoTime a clock, for the times that are shown.
 */
class FaceAnalyzer(
    private val detector: FaceDetector,
    private val classifier: ExpressionClassifier,
    card: ModelCard,
    private val nanoTime: () -> Long = System::nanoTime,
) : Closeable {
    val labels = classifier.labels

    private val temperature = card.temperature
    private val stretch = if (card.stretchesContrast) ContrastStretch() else null
    private val cutter = FaceCutter(FACE_SIZE)
    private val face = ByteArray(FACE_SIZE * FACE_SIZE)
    private val scores = FloatArray(labels.size)
    private val probabilities = FloatArray(labels.size)
    private val boxes = FaceBoxes()

    /** Nanoseconds that the last image took to be searched. */
    var detectionTime = 0L
        private set

    /** Nanoseconds that all faces of the last image took to be classified. */
    var classificationTime = 0L
        private set

    /** All faces of a picture. */
    fun analyze(picture: LumaImage): List<Face> {
        val faces = mutableListOf<Face>()
        detector.find(picture, boxes)
        classify(picture) { left, top, size, angle, probabilities ->
            faces += Face(FaceBox(left, top, size, angle), probabilities.copyOf())
        }
        return faces
    }

    /** The faces of a stream's next frame; how many. */
    fun analyzeNext(frame: LumaImage, faces: FaceSink): Int {
        val start = nanoTime()
        detector.findNext(frame, boxes)
        val detected = nanoTime()
        classify(frame, faces)
        detectionTime = detected - start
        classificationTime = nanoTime() - detected
        return boxes.count
    }

    private fun classify(image: LumaImage, faces: FaceSink) {
        for (i in 0 until boxes.count) {
            val size = boxes.size[i]
            cutter.cut(image, boxes.left[i], boxes.top[i], size, boxes.angle[i], face)
            stretch?.apply(face)
            classifier.classify(face, scores)
            toProbabilities(scores, temperature, probabilities)
            faces.add(boxes.left[i], boxes.top[i], size, boxes.angle[i], probabilities)
        }
    }

    /** Another stream begins. */
    fun reset() = detector.reset()

    override fun close() {
        classifier.close()
        detector.close()
    }
}

/**
 * The softmax of scores, each divided by [temperature] first: how probable each expression is
 * according to the network. They add up to 1.
 */
fun toProbabilities(scores: FloatArray, temperature: Float, probabilities: FloatArray) {
    var largest = Float.NEGATIVE_INFINITY
    for (score in scores) largest = maxOf(largest, score)
    var sum = 0f
    for (i in scores.indices) {
        probabilities[i] = exp((scores[i] - largest) / temperature)
        sum += probabilities[i]
    }
    for (i in probabilities.indices) probabilities[i] /= sum
}
