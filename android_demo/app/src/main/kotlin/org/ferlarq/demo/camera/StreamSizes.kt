package org.ferlarq.demo.camera

import android.util.Size
import kotlin.math.abs

/** The size of frames to classify: the closest to 640 x 480 of that shape, or of any there is. */
fun chooseFrameSize(sizes: List<Size>): Size {
    val shaped = sizes.filter { it.width * 3 == it.height * 4 }.ifEmpty { sizes }
    return shaped.minByOrNull { abs(it.width - FRAME_WIDTH) } ?: Size(FRAME_WIDTH, FRAME_HEIGHT)
}

/**
 * The size of the preview: the smallest of the frames' shape that has all the pixels of the view, or
 * the largest there is. Larger ones than MOST_PREVIEW_HEIGHT are not promised beside a second stream.
 *
 * @param longer the view's longer side in pixels; sizes are those of a sensor on its side.
 */
fun choosePreviewSize(sizes: List<Size>, frame: Size, longer: Int): Size {
    val shaped = sizes.filter {
        abs(it.width * frame.height - it.height * frame.width) * 100 <= it.width * frame.height &&
            it.height <= MOST_PREVIEW_HEIGHT
    }
    return shaped.filter { it.width >= longer }.minByOrNull { it.width }
        ?: shaped.maxByOrNull { it.width }
        ?: frame
}

private const val FRAME_WIDTH = 640
private const val FRAME_HEIGHT = 480
private const val MOST_PREVIEW_HEIGHT = 1080
