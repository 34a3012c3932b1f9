package org.ferlarq.demo.model

import org.ferlarq.demo.inference.ExpressionClassifier
import org.ferlarq.demo.inference.FACE_SIZE

/** Milliseconds of one reading: half of the readings lie between [lower] and [upper]. */
data class Timing(val threads: Int, val median: Float, val lower: Float, val upper: Float)

/** Reads a face of random pixels again and again; what it shows does not change the time. */
fun measure(classifier: ExpressionClassifier, threads: Int, nanoTime: () -> Long): Timing {
    val face = ByteArray(FACE_SIZE * FACE_SIZE).also { kotlin.random.Random(0).nextBytes(it) }
    val scores = FloatArray(classifier.labels.size)
    repeat(WARM_UP) { classifier.classify(face, scores) }
    val times = LongArray(READINGS) {
        val start = nanoTime()
        classifier.classify(face, scores)
        nanoTime() - start
    }
    times.sort()
    fun quantile(share: Float) = times[(share * (READINGS - 1)).toInt()] / 1e6f
    return Timing(threads, quantile(0.5f), quantile(0.25f), quantile(0.75f))
}

const val READINGS = 100
private const val WARM_UP = 10
