package org.ferlarq.demo.inference

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The native methods of `android_demo/network`. */
internal object PackedNetwork {
    init {
        System.loadLibrary("packed_network")
    }

    @JvmStatic external fun open(model: ByteBuffer): Long

    @JvmStatic external fun inputSize(handle: Long): Long

    @JvmStatic external fun outputSize(handle: Long): Long

    @JvmStatic external fun run(handle: Long, input: ByteBuffer, output: ByteBuffer)

    @JvmStatic external fun close(handle: Long)
}

/**
 * The bit-packed network on lce_delegate's core alone, on one thread: for phones where TensorFlow
 * Lite does not load. Its scores are the same, bit for bit.
 *
 * @param model content of the .tflite file, a direct buffer.
 * @throws IllegalArgumentException if the model does not take a face and give as many scores as
 *   its card has labels.
 */
class CoreClassifier(model: ByteBuffer, card: ModelCard) : ExpressionClassifier {
    override val labels = card.labels

    private var handle = PackedNetwork.open(model)
    private val face = ByteBuffer.allocateDirect(FACE_SIZE * FACE_SIZE)
    private val output = ByteBuffer.allocateDirect(4 * labels.size).order(ByteOrder.nativeOrder())
    private val scores = output.asFloatBuffer()

    init {
        val fits = PackedNetwork.inputSize(handle) == (FACE_SIZE * FACE_SIZE).toLong() &&
            PackedNetwork.outputSize(handle) == labels.size.toLong()
        if (!fits) {
            close()
            throw IllegalArgumentException("the model does not take a face and give its scores")
        }
    }

    override fun classify(face: ByteArray, scores: FloatArray) {
        check(handle != 0L) { "this classifier is closed" }
        this.face.restart()
        this.face.put(face, 0, FACE_SIZE * FACE_SIZE)
        PackedNetwork.run(handle, this.face, output)
        this.scores.restart()
        this.scores.get(scores, 0, labels.size)
    }

    override fun close() {
        if (handle != 0L) PackedNetwork.close(handle)
        handle = 0
    }
}
