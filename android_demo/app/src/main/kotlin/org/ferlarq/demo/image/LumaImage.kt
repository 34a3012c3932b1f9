package org.ferlarq.demo.image

/**
 * Grey pixels of a camera frame or a picture: unsigned bytes, [rowStride] of them from one row to
 * the next. The Y plane of YUV_420_888 and the first part of NV21 are just that.
 *
 * Its owner fills it again for each frame, so that a frame costs no memory.
 */
class LumaImage {
    var pixels = ByteArray(0)
        private set
    var width = 0
        private set
    var height = 0
        private set
    var rowStride = 0
        private set

    /** Degrees, 0, 90, 180 or 270, by which the pixels must be turned clockwise to stand upright. */
    var rotation = 0
        private set

    val uprightWidth get() = if (rotation % 180 == 0) width else height
    val uprightHeight get() = if (rotation % 180 == 0) height else width

    /** Where in [pixels] the upright image's first pixel lies, and how far its neighbours are. */
    val origin
        get() = when (rotation) {
            0 -> 0
            90 -> (height - 1) * rowStride
            180 -> (height - 1) * rowStride + width - 1
            else -> width - 1
        }
    val stepRight
        get() = when (rotation) {
            0 -> 1
            90 -> -rowStride
            180 -> -1
            else -> rowStride
        }
    val stepDown
        get() = when (rotation) {
            0 -> rowStride
            90 -> 1
            180 -> -rowStride
            else -> -1
        }

    /** Sets the shape, and makes room for it in [pixels] if there is too little. */
    fun reshape(width: Int, height: Int, rowStride: Int, rotation: Int) {
        require(width > 0 && height > 0 && rowStride >= width) {
            "an image of $width x $height pixels with rows of $rowStride bytes"
        }
        require(rotation in 0..270 && rotation % 90 == 0) { "a rotation of $rotation degrees" }
        this.width = width
        this.height = height
        this.rowStride = rowStride
        this.rotation = rotation
        val needed = Math.multiplyExact(rowStride, height - 1) + width
        if (pixels.size < needed) pixels = ByteArray(needed)
    }
}

/**
 * A square in an upright image, in pixels; it may reach beyond.
 *
 * @property angle degrees, clockwise, by which the face is turned, and the square with it about its
 *   centre; [left] and [top] are those of the square before it is turned.
 */
data class FaceBox(val left: Int, val top: Int, val size: Int, val angle: Int = 0)
