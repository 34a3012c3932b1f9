package org.ferlarq.demo.inference

import java.io.Closeable

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
