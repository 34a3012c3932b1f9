package org.ferlarq.demo.inference

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.ferlarq.lce.LceDelegate
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter

/**
 * The bit-packed network on TensorFlow Lite, with our delegate for its operators. The model cuts
 * its crops and scales the pixels itself.
 *
 * @param model content of the .tflite file, a direct buffer.
 * @throws IllegalArgumentException if the model does not take a face and give as many scores as
 *   its card has labels.
 */
class TfliteClassifier(model: ByteBuffer, card: ModelCard, threads: Int) : ExpressionClassifier {
    override val labels = card.labels

    private val delegate = LceDelegate(threads, null)
    private val interpreter: Interpreter
    private val face = ByteBuffer.allocateDirect(FACE_SIZE * FACE_SIZE)
    private val output = ByteBuffer.allocateDirect(4 * labels.size).order(ByteOrder.nativeOrder())
    private val scores = output.asFloatBuffer()

    init {
        try {
            val options = Interpreter.Options().setNumThreads(threads).addDelegate(delegate)
            interpreter = Interpreter(model, options)
        } catch (error: RuntimeException) {
            delegate.close()
            throw error
        }
        val takes = interpreter.getInputTensor(0)
        val gives = interpreter.getOutputTensor(0)
        val fits = takes.dataType() == DataType.UINT8 && gives.dataType() == DataType.FLOAT32 &&
            takes.shape().contentEquals(intArrayOf(1, FACE_SIZE, FACE_SIZE, 1)) &&
            gives.shape().contentEquals(intArrayOf(1, labels.size))
        if (!fits) {
            close()
            throw IllegalArgumentException("the model does not take a face and give its scores")
        }
    }

    override fun classify(face: ByteArray, scores: FloatArray) {
        this.face.restart()
        this.face.put(face, 0, FACE_SIZE * FACE_SIZE)
        this.face.restart()
        output.restart()
        interpreter.run(this.face, output)
        this.scores.restart()
        this.scores.get(scores, 0, labels.size)
    }

    override fun close() {
        interpreter.close()
        delegate.close() // after the interpreter that uses it
    }
}
