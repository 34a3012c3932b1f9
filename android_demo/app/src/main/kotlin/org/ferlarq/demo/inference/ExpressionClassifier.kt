package org.ferlarq.demo.inference

import java.io.Closeable
import kotlin.math.exp

/** Side of a face in pixels. */
const val FACE_SIZE = 48

/** Gives each expression of a face a score. Used by one thread at a time. */
interface ExpressionClassifier : Closeable {
    /** What the scores stand for, in their order. */
    val labels: List<String>

    /**
     * Writes a score for each label; the largest is the answer.
     *
     * @param face grey pixels, FACE_SIZE rows of FACE_SIZE unsigned bytes.
     */
    fun classify(face: ByteArray, scores: FloatArray)
}

/**
 * Turns scores into lengths of bars that add up to 1: exp(score) / sum of exp. They order the
 * expressions as the scores do, but are no probabilities.
 */
fun sharesOf(scores: FloatArray, shares: FloatArray) {
    var largest = Float.NEGATIVE_INFINITY
    for (score in scores) largest = maxOf(largest, score)
    var sum = 0f
    for (i in scores.indices) {
        shares[i] = exp(scores[i] - largest)
        sum += shares[i]
    }
    for (i in shares.indices) shares[i] /= sum
}
