package org.ferlarq.demo.model

import org.ferlarq.demo.inference.ExpressionClassifier
import org.ferlarq.demo.inference.FACE_SIZE

/** Milliseconds to classify a face: half of the times lie between [lower] and [upper]. */
data class Timing(val threads: Int, val median: Float, val lower: Float, val upper: Float)

/**
 * Classifies a face of random pixels again and again; what it shows does not change the time.
 *
 * @param goOn asked after each face, with how many there were; false ends the measurement.
 * @return null if it was ended.
 */
fun measure(
    classifier: ExpressionClassifier,
    threads: Int,
    nanoTime: () -> Long,
    goOn: (Int) -> Boolean,
): Timing? {
    val face = ByteArray(FACE_SIZE * FACE_SIZE).also { kotlin.random.Random(0).nextBytes(it) }
    val scores = FloatArray(classifier.labels.size)
    val times = LongArray(FACES)
    for (i in -WARM_UP until FACES) {
        val start = nanoTime()
        classifier.classify(face, scores)
        if (i >= 0) times[i] = nanoTime() - start
        if (!goOn(WARM_UP + i + 1)) return null
    }
    times.sort()
    fun quantile(share: Float) = times[(share * (FACES - 1)).toInt()] / 1e6f
    return Timing(threads, quantile(0.5f), quantile(0.25f), quantile(0.75f))
}

private const val FACES = 100
private const val WARM_UP = 10

/** Faces that a measurement classifies. */
const val MEASURED_FACES = FACES + WARM_UP
